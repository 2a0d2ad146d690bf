using System.IO.Hashing;
using System.Text;
using Tersor.Onnx;

namespace Tersor.Pipeline.Quantization;

/// <summary>Tells whether a plan was made for a model: its operators, how they are connected, and its weights.</summary>
internal static class ModelFingerprint
{
    /// <summary>16 hexadecimal digits.</summary>
    public static string Of(Model model)
    {
        XxHash3 hash = new();
        foreach (Node node in model.AllNodes())
        {
            hash.Append(Encoding.UTF8.GetBytes($"{node.Domain}\0{node.OpType}\0{string.Join('\0', node.Inputs.Select(i => i?.Name))}\0{string.Join('\0', node.Outputs.Select(o => o?.Name))}\n"));
        }
        foreach (Value initializer in model.AllGraphs().SelectMany(g => g.Initializers).Where(v => v.Tensor is not null))
            hash.Append(BitConverter.GetBytes(initializer.Tensor!.ContentHash()));
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
