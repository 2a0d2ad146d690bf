namespace Tersor.Onnx;

/// <summary>A model file that cannot be read, edited or written as asked, in words the model's owner can act on.</summary>
/// <remarks>The message says where, what was found, what was expected and, where it helps, what to do. It needs no stack trace.</remarks>
public sealed class OnnxException(string message, Exception? inner = null) : Exception(OneLine(message), inner)
{
    private const int MaxLength = 600;

    /// <summary>Names come from the file: line breaks in them, control characters and endless lengths must not reach a terminal.</summary>
    private static string OneLine(string message)
    {
        if (message.Length > MaxLength)
            message = string.Concat(message.AsSpan(0, MaxLength / 2), " ... ", message.AsSpan(message.Length - MaxLength / 2));
        return message.Any(char.IsControl) ? string.Concat(message.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString())) : message;
    }
}
