using Tersor.Onnx.Files;

namespace Tersor.Onnx;

/// <summary>Moves the weights of large models out of memory: a search has several models that differ in all of them, and looks at each a few times only.</summary>
public static class LargeConstants
{
    /// <summary>Bytes of the smallest tensor that is moved, and of all of them together from which on it is worth the while.</summary>
    private const long Least = 64 << 10, Worthwhile = 16 << 20;

    /// <summary>Bytes of tensors that would be moved, from which on files serve better than memory.</summary>
    public static bool AreIn(Model model) => Movable(model).Sum(t => t.ByteLength) >= Worthwhile;

    /// <summary>Moves large initializers into a temporary file that goes with them. They hold what they held. Where no file can be written they stay.</summary>
    /// <param name="model">Its constants are replaced in place.</param>
    public static void MoveOut(Model model)
    {
        if (!AreIn(model))
            return;
        Dictionary<Tensor, Tensor> moved = MoveOut([.. Movable(model)]);
        foreach (Value value in Initializers(model))
        {
            if (moved.TryGetValue(value.Initializer!, out Tensor? tensor))
                value.Initializer = tensor;
        }
    }

    /// <summary>The same for tensors: what stands for each, where it was moved.</summary>
    /// <param name="tensors">Any.</param>
    public static Dictionary<Tensor, Tensor> MoveOut(IReadOnlyCollection<Tensor> tensors)
    {
        Dictionary<Tensor, Tensor> moved = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Tensor>);
        Tensor[] large = [.. tensors.Where(IsMovable).Distinct<Tensor>(ReferenceEqualityComparer.Instance)];
        if (large.Length == 0)
            return moved;
        try
        {
            ScratchFile file = new();
            foreach (Tensor tensor in large)
                moved[tensor] = file.Keep(tensor);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What does not fit stays where it is.
        }
        return moved;
    }

    private static IEnumerable<Value> Initializers(Model model) => model.AllGraphs().SelectMany(g => g.Initializers).Where(v => v.Initializer is not null);

    private static IEnumerable<Tensor> Movable(Model model) => Initializers(model).Select(v => v.Initializer!).Where(IsMovable).Distinct<Tensor>(ReferenceEqualityComparer.Instance);

    private static bool IsMovable(Tensor tensor) => tensor is { Type: not ElementType.String, IsInMemory: true } && tensor.ByteLength >= Least;
}
