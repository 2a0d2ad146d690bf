using Google.Protobuf;

namespace Tersor.Onnx.Reading;

internal static class ProtoExtensions
{
    /// <summary>What is left of a message once everything understood was cleared; null when that is nothing.</summary>
    public static T? OrNullIfEmpty<T>(this T message) where T : class, IMessage => message.CalculateSize() == 0 ? null : message;
}
