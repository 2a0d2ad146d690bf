using System.IO.Hashing;
using System.Text;

namespace Tersor.Onnx;

/// <summary>Tells whether something was made for a model: its operators, how they are connected, and its constants, wherever they are kept.</summary>
public static class ModelFingerprint
{
    /// <summary>16 hexadecimal digits; the same for models with the same operators, names and constants.</summary>
    public static string Of(Model model)
    {
        XxHash3 hash = new();
        foreach (Node node in model.AllNodes())
            hash.Append(Encoding.UTF8.GetBytes($"{node.Domain}\0{node.OpType}\0{string.Join('\0', node.Inputs.Select(i => i?.Name))}\0{string.Join('\0', node.Outputs.Select(o => o?.Name))}\n"));
        foreach (Value constant in model.AllConstants())
        {
            if (constant.Tensor is { } tensor)
                hash.Append(BitConverter.GetBytes(tensor.ContentHash()));
        }
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
