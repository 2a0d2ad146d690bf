namespace Tersor.Onnx;

/// <summary>The several ways a Constant node spells its value, read as one tensor.</summary>
internal static class ConstantNode
{
    public static Tensor? Tensor(Node node)
    {
        foreach (NodeAttribute attribute in node.Attributes.Values)
        {
            switch (attribute)
            {
                case NodeAttribute.TensorValue value: return value.Value;
                case NodeAttribute.Float value: return Onnx.Tensor.Scalar(value.Value);
                case NodeAttribute.Int value: return Onnx.Tensor.Scalar(value.Value);
                case NodeAttribute.Floats value: return Onnx.Tensor.Vector([.. value.Values]);
                case NodeAttribute.Ints value: return Onnx.Tensor.Vector<long>([.. value.Values]);
                case NodeAttribute.String value: return Onnx.Tensor.FromStrings([], [value.Bytes]);
                case NodeAttribute.Strings value: return Onnx.Tensor.FromStrings([value.Values.Length], value.Values);
            }
        }
        return null; // sparse, or a reference to a function's attribute
    }

    public static void SetTensor(Node node, Tensor tensor)
    {
        foreach (string name in node.Attributes.Keys.ToArray())
            node.RemoveAttribute(name);
        node.SetAttribute("value", tensor);
    }
}
