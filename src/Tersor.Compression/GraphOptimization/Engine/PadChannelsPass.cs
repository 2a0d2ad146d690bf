using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Adds channels of zeros where their number is no multiple of what the engine's 8-bit kernels work on, through whole chains of convolutions, activations, poolings, sums, Concats and Gathers. In float it is no gain.</summary>
public sealed class PadChannelsPass(PadChannelsOptions options) : Pass
{
    /// <inheritdoc/>
    public override string Name => "pad-channels";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Arithmetic;

    /// <inheritdoc/>
    public override IEnumerable<string> Problems(Model model, PassContext context)
    {
        if (options.Multiple is < 2 or > 1024)
            yield return $"{nameof(options.Multiple)} is {options.Multiple}; expected 2..1024.";
        if (!(options.MaxGrowth > 0))
            yield return $"{nameof(options.MaxGrowth)} is {options.MaxGrowth}; expected more than 0.";
    }

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        foreach (Graph graph in model.AllGraphs().ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            ChannelClasses classes = new(graph, types);
            foreach (ChannelClass found in classes.All.Where(c => c.Layout is null))
                Choose(found, classes, types, report);
            if (!classes.All.Any(c => c.Layout is { IsIdentity: false }))
                continue;
            foreach (Node node in graph.Nodes.ToArray())
                Rewrite(node, classes);
            foreach (ChannelClass found in classes.All.Where(c => c.Layout is { IsIdentity: false }))
                found.Values.ForEach(v => Retype(v, found.Layout!.Count));
        }
        return report;
    }

    /// <summary>Chooses a layout, after those of the parts where a Concat makes it.</summary>
    private void Choose(ChannelClass wanted, ChannelClasses classes, TypeFacts types, PassReport report)
    {
        Stack<ChannelClass> open = new([wanted]); // no recursion: Concats may be nested as deep as a file likes
        while (open.TryPeek(out ChannelClass? found))
        {
            if (found.Frozen is null && found.Concats is [var concat])
            {
                ChannelClass[] parts = [.. concat.Inputs.Select(i => classes.Of(i)!)];
                if (found.Layout is null && parts.Any(p => p.Layout is null))
                {
                    found.Layout = ChannelLayout.Identity(found.Channels); // ends a circle
                    foreach (ChannelClass part in parts.Where(p => p.Layout is null).Distinct())
                        open.Push(part);
                    continue;
                }
                found.Layout = ChannelLayout.Concatenated([.. parts.Select(p => (p.Layout!, p.Channels))]);
            }
            else
            {
                found.Layout ??= Padded(found, types, report);
            }
            open.Pop();
        }
    }

    private ChannelLayout Padded(ChannelClass found, TypeFacts types, PassReport report)
    {
        ChannelLayout identity = ChannelLayout.Identity(found.Channels);
        int padded = (found.Channels + options.Multiple - 1) / options.Multiple * options.Multiple;
        if (padded == found.Channels)
            return identity;
        string subject = found.Values[0].Name;
        string? reason = found.Frozen
            ?? (padded > found.Channels * (1 + options.MaxGrowth) ? $"{Plural.Of(found.Channels, "channel")} would become {padded}" : null)
            ?? (found.Values.All(v => types.Fixed(v, 2)?.All(size => size == 1) == true) ? "a single pixel, where nothing would be won" : null);
        if (reason is not null)
        {
            report.Skip(subject, reason);
            return identity;
        }
        report.Changed(subject, $"{Plural.Of(found.Channels, "channel")} {Plural.Noun(found.Channels, "is", "are")} now {padded}, in {Plural.Of(found.Values.Count, "value")}");
        return ChannelLayout.Padded(found.Channels, padded);
    }

    private static void Rewrite(Node node, ChannelClasses classes)
    {
        ChannelLayout? read = classes.Of(node.Input(0))?.Layout, made = classes.Of(node.Output(0))?.Layout;
        if (made is null || (made.IsIdentity && read is null or { IsIdentity: true }))
            return;
        switch (node.OpType)
        {
            case "Conv":
                Tensor weight = node.Inputs[1]!.Constant!;
                if (ChannelClasses.IsDepthwise(node))
                    node.SetAttribute("group", (long)made.Count);
                else
                    weight = read!.Apply(weight, 1, 0);
                Constants.Replace(node, 1, made.Apply(weight, 0, 0));
                if (node.Input(2)?.Constant is { } bias)
                    Constants.Replace(node, 2, made.Apply(bias, 0, 0));
                break;
            case "BatchNormalization":
                for (int i = 1; i <= 4; i++)
                    Constants.Replace(node, i, made.Apply(node.Inputs[i]!.Constant!, 0, i is 1 or 4 ? 1 : 0));
                break;
            case "Gather":
                Constants.Replace(node, 1, Index(node, read!, made));
                break;
            case "PRelu" or "Add" or "Sub" or "Mul" or "Div" or "Max" or "Min":
                for (int i = 0; i < node.Inputs.Count; i++)
                {
                    if (node.Inputs[i]!.Constant is { } constant && ChannelClasses.ChannelAxis(constant, classes.Rank(node.Outputs[0])!.Value) is { } axis)
                        Constants.Replace(node, i, made.Apply(constant, axis, node.OpType == "Div" ? 1 : 0));
                }
                break;
        }
    }

    /// <summary>The channels a Gather takes, where they stand now; added ones repeat the first.</summary>
    private static Tensor Index(Node node, ChannelLayout read, ChannelLayout made)
    {
        int[] places = read.Places();
        long[] taken = [.. Constants.Integers(node.Input(1))!.Select(c => c < 0 ? c + places.Length : c)];
        long[] index = new long[made.Count];
        for (int i = 0; i < index.Length; i++)
            index[i] = places[taken[Math.Max(made.From(i), 0)]];
        return Tensor.Vector(index);
    }

    private static void Retype(Value value, int channels)
    {
        if (value.Type is OnnxType.Tensor { Shape: { Length: > 1 } shape } type)
            value.Type = type with { Shape = shape.SetItem(1, new(channels, null, shape[1].Denotation)) };
    }
}
