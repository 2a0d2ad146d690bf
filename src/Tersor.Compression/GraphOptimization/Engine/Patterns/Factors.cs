using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>A value as a product: a number times values, whatever the order and the brackets it is written with.</summary>
/// <param name="Scale">The number.</param>
/// <param name="Values">The values.</param>
internal sealed record Factors(double Scale, IReadOnlyList<Value> Values)
{
    private const int MaxValues = 4, MaxNodes = 16;

    /// <summary>The product of two or more values that ends in this node; null when it is none.</summary>
    public static Factors? Of(Node root, TypeFacts types)
    {
        double scale = 1;
        List<Value> values = [];
        int nodes = 0;
        Expand(root, isRoot: true);
        return values.Count is >= 2 and <= MaxValues ? new(scale, values) : null;

        void Expand(Node node, bool isRoot)
        {
            if (Scalars.Line(node, types) is { B: 0 } line)
            {
                scale *= line.A;
                Take(line.Input);
            }
            else if (node.Is("Mul") && node.OpsetVersion >= 7)
            {
                foreach (Value input in node.Inputs.OfType<Value>())
                    Take(input);
            }
            else if (!isRoot)
            {
                values.Add(node.Outputs[0]!);
            }
        }

        void Take(Value value)
        {
            // What others read too is a factor as it is: its parts must stay anyway.
            if (value.Producer is { } producer && values.Count < MaxValues && nodes++ < MaxNodes && value.Constant is null && value.Uses.Count == 1 && producer.Is("Mul", "Div", "Neg"))
                Expand(producer, isRoot: false);
            else
                values.Add(value);
        }
    }
}
