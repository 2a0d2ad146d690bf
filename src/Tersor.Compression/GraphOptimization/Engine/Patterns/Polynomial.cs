using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>A value as a polynomial of another, whatever way it is written: sums, products, powers, numbers.</summary>
internal static class Polynomial
{
    private const int MaxDegree = 3, MaxDepth = 12;

    /// <summary>Coefficients by power of <paramref name="x"/>, four of them; null when it is no polynomial of degree 3 or less.</summary>
    public static double[]? Of(Value value, Value x, TypeFacts types, int depth = 0)
    {
        if (ReferenceEquals(value, x))
            return [0, 1, 0, 0];
        if (depth > MaxDepth || value.Producer is not { IsStandard: true } node || node.OpsetVersion < 7)
            return null;
        if (Scalars.Line(node, types) is { } line)
        {
            if (Of(line.Input, x, types, depth + 1) is not { } inner)
                return null;
            double[] scaled = Array.ConvertAll(inner, c => c * line.A);
            scaled[0] += line.B;
            return scaled;
        }
        if (node.OpType == "Pow")
            return Scalars.Of(node.Input(1), node.Input(0), types) is { } power && power is 1 or 2 or 3 && Of(node.Inputs[0]!, x, types, depth + 1) is { } root ? Power(root, (int)power) : null;
        if (node.OpType is not ("Add" or "Sub" or "Mul") || Of(node.Inputs[0]!, x, types, depth + 1) is not { } left || Of(node.Inputs[1]!, x, types, depth + 1) is not { } right)
            return null;
        return node.OpType switch
        {
            "Add" => [.. left.Zip(right, (a, b) => a + b)],
            "Sub" => [.. left.Zip(right, (a, b) => a - b)],
            _ => Product(left, right),
        };
    }

    private static double[]? Power(double[] root, int power)
    {
        double[]? result = root;
        for (int i = 1; i < power && result is not null; i++)
            result = Product(result, root);
        return result;
    }

    private static double[]? Product(double[] left, double[] right)
    {
        double[] product = new double[MaxDegree + 1];
        for (int i = 0; i <= MaxDegree; i++)
        {
            for (int j = 0; j <= MaxDegree; j++)
            {
                double term = left[i] * right[j];
                if (i + j <= MaxDegree)
                    product[i + j] += term;
                else if (term != 0)
                    return null;
            }
        }
        return product;
    }
}
