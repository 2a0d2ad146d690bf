using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>An input or output of a session.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type; dimensions that are not fixed are symbols or unknown.</param>
public sealed record ValueInfo(string Name, OnnxType Type);
