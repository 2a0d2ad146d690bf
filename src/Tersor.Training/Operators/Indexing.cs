using Tersor.Training.Libtorch;
using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Reading and writing elements at positions that are data.</summary>
internal static class Indexing
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Gather", 1, Scoped(Gather)),
        new("GatherElements", 11, Scoped(c => c[0].gather(c.Axis(c.Node.Int("axis", 0), c[0].ndim), FromStart(c[1], c[0].shape[c.Axis(c.Node.Int("axis", 0), c[0].ndim)])))),
        new("GatherND", 11, Scoped(GatherSlices)),
        new("Scatter", 9, Scoped(ScatterElements)),
        new("ScatterElements", 11, Scoped(ScatterElements)),
        new("ScatterND", 11, Scoped(ScatterSlices)),
        new("TensorScatter", 24, Scoped(ScatterCache)),
        new("Where", 9, c => where(c[0], c[1], c[2])),
    ];

    /// <summary>Positions counted from the end of an axis made positions counted from its start.</summary>
    internal static Tensor FromStart(Tensor index, long length)
    {
        index = As(index, ScalarType.Int64);
        if (index.numel() == 0)
            return index;
        using Tensor least = index.min();
        return least.item<long>() < 0 ? where(index < 0, index + length, index) : index;
    }

    private static OperatorResult Gather(OperatorCall call)
    {
        Tensor data = call[0], index = call[1];
        long[] shape = data.shape, places = index.shape;
        int axis = (int)call.Axis(call.Node.Int("axis", 0), shape.Length);
        index = FromStart(index, shape[axis]);
        Tensor found = data.index_select(axis, places.Length == 1 ? index : index.reshape(-1));
        return places.Length == 1 ? found : found.reshape([.. shape[..axis], .. places, .. shape[(axis + 1)..]]);
    }

    /// <summary>Positions along several axes made positions along the one axis they become when they are joined.</summary>
    /// <param name="index">[..., number of axes].</param>
    /// <param name="lengths">Of the axes.</param>
    private static Tensor Joined(Tensor index, long[] lengths)
    {
        index = As(index, ScalarType.Int64);
        Tensor sizes = tensor(lengths), strides = tensor([.. Enumerable.Range(1, lengths.Length).Select(i => Product(lengths[i..]))]);
        return (where(index < 0, index + sizes, index) * strides).sum(-1);
    }

    private static OperatorResult GatherSlices(OperatorCall call)
    {
        Tensor data = call[0];
        long[] shape = data.shape, places = call[1].shape;
        int batch = (int)call.Node.Int("batch_dims", 0), end = batch + (int)places[^1];
        long batches = Product(shape[..batch]), joined = Product(shape[batch..end]);
        Tensor index = Joined(call[1], shape[batch..end]).reshape(batches, -1);
        if (batches > 1)
            index = index + (arange(batches, ScalarType.Int64) * joined).unsqueeze(1);
        return data.reshape([batches * joined, .. shape[end..]]).index_select(0, index.reshape(-1)).reshape([.. places[..^1], .. shape[end..]]);
    }

    private static OperatorResult ScatterElements(OperatorCall call)
    {
        Tensor data = call[0], updates = call[2];
        long[] shape = data.shape, places = call[1].shape;
        int axis = (int)call.Axis(call.Node.Int("axis", 0), shape.Length);
        Tensor index = FromStart(call[1], shape[axis]);
        string reduction = call.Node.Text("reduction") ?? "none";
        if (reduction == "none")
            return data.scatter(axis, index, updates);
        if (reduction == "add")
            return data.scatter_add(axis, index, updates);
        Tensor flat = index * Product(shape[(axis + 1)..]);
        for (int i = 0; i < shape.Length; i++)
        {
            if (i != axis)
                flat = flat + (arange(places[i], ScalarType.Int64) * Product(shape[(i + 1)..])).reshape([-1, .. Repeat(1, shape.Length - i - 1)]);
        }
        return Reduced(data.reshape(-1), flat.reshape(-1), updates.reshape(-1), Reduction(call, reduction)).reshape(shape);
    }

    private static Func<Tensor, Tensor, Tensor> Reduction(OperatorCall call, string name) => name switch
    {
        "mul" => (a, b) => a * b,
        "max" => (a, b) => a.maximum(b),
        "min" => (a, b) => a.minimum(b),
        _ => throw call.Unsupported($"the reduction {name}"),
    };

    /// <summary>Combines rows with updates, one after another where several go to the same row: in rounds within which no row comes twice.</summary>
    private static Tensor Reduced(Tensor rows, Tensor index, Tensor updates, Func<Tensor, Tensor, Tensor> combine)
    {
        long[] places = TorchTensors.ToLongs(index);
        Dictionary<long, int> seen = [];
        List<List<long>> rounds = [];
        for (int i = 0; i < places.Length; i++)
        {
            int round = seen[places[i]] = seen.GetValueOrDefault(places[i], -1) + 1;
            if (round == rounds.Count)
                rounds.Add([]);
            rounds[round].Add(i);
        }
        foreach (List<long> round in rounds)
        {
            Tensor chosen = tensor(round.ToArray()), at = index.index_select(0, chosen);
            rows = rows.index_copy(0, at, combine(rows.index_select(0, at), updates.index_select(0, chosen)));
        }
        return rows;
    }

    private static OperatorResult ScatterSlices(OperatorCall call)
    {
        Tensor data = call[0];
        long[] shape = data.shape;
        int end = (int)call[1].shape[^1];
        long joined = Product(shape[..end]), rest = Product(shape[end..]);
        Tensor index = Joined(call[1], shape[..end]).reshape(-1), rows = data.reshape(joined, rest), updates = call[2].reshape(index.numel(), rest);
        string reduction = call.Node.Text("reduction") ?? "none";
        rows = reduction switch
        {
            "none" => rows.index_copy(0, index, updates),
            "add" => rows.index_add(0, index, updates, 1),
            _ => Reduced(rows, index, updates, Reduction(call, reduction)),
        };
        return rows.reshape(shape);
    }

    private static OperatorResult ScatterCache(OperatorCall call)
    {
        Tensor cache = call[0], update = call[1];
        long[] shape = cache.shape, added = update.shape;
        int axis = (int)call.Axis(call.Node.Int("axis", -2), shape.Length);
        Tensor index = arange(added[axis], ScalarType.Int64).reshape([-1, .. Repeat(1, shape.Length - axis - 1)]);
        if (call.Optional(2) is { } starts)
            index = index + As(starts, ScalarType.Int64).reshape([-1, .. Repeat(1, shape.Length - 1)]);
        if (call.Node.Text("mode") == "circular")
            index = index.remainder(shape[axis]);
        return cache.scatter(axis, index.expand(added), update);
    }
}
