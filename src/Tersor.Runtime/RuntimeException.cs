namespace Tersor.Runtime;

/// <summary>A model that ONNX Runtime cannot load or run, in words its owner can act on.</summary>
public sealed class RuntimeException(string message, Exception? inner = null) : Exception(message, inner);
