namespace Tersor.Onnx;

/// <summary>A model file that cannot be read, edited or written as asked, in words the model's owner can act on.</summary>
/// <remarks>The message says where, what was found, what was expected and, where it helps, what to do. It needs no stack trace.</remarks>
public sealed class OnnxException(string message, Exception? inner = null) : Exception(message, inner);
