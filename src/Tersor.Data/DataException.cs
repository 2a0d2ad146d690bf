namespace Tersor.Data;

/// <summary>Data, or a description of data, that cannot be used as asked, in words its owner can act on.</summary>
public sealed class DataException(string message, Exception? inner = null) : Exception(message, inner);
