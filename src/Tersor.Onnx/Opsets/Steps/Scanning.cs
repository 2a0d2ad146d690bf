namespace Tersor.Onnx.Opsets.Steps;

/// <summary>Scan before version 9 ran a batch of sequences; since then it runs one.</summary>
internal static class Scanning
{
    /// <summary>The batch becomes an outer Scan over axis 0, whose body scans one sequence: states in, final states and stacked outputs out, all of them batched.</summary>
    public static void Scan9(Node node, StepContext context)
    {
        context.RequireLiteral(node, "num_scan_inputs", "directions");
        if (node.Input(0) is { } lengths)
            throw context.Impossible(node, $"its sequences have lengths of their own ('{lengths.Name}'), which Scan no longer knows; pad them to one length");
        if (node.Body("body") is not { } body || node.Int("num_scan_inputs") is not { } scanned)
            throw context.Impossible(node, "it has no body or does not say how many inputs it scans");
        Value[] inputs = [.. node.Inputs.Skip(1).Select(v => v ?? throw context.Impossible(node, "it leaves out an input"))];
        int states = inputs.Length - (int)scanned;
        if (states < 0 || body.Outputs.Count < states || node.Outputs.Count > body.Outputs.Count)
            throw context.Impossible(node, $"it has {Plural.Of(inputs.Length, "input")}, {scanned} of them scanned, and a body of {Plural.Of(body.Outputs.Count, "output")}, which do not fit together");

        Graph one = node.Graph.NewBody($"{body.Name}_one_sequence");
        Value[] items = [.. inputs.Select(v => one.AddInput($"{v.Name}_item", ItemType(v)))];
        Graph inner = one.NewBody(body.Name);
        new ModelCloner(keepNames: false).CopyInto(body, inner);
        List<KeyValuePair<string, NodeAttribute>> attributes = [new("body", inner), new("num_scan_inputs", scanned)];
        if (node.Ints("directions") is { } directions)
            attributes.Add(new("scan_input_directions", directions));
        Node scan = one.AddNode("Scan", items, [.. body.Outputs.Select(o => $"{o.Name}_sequence")], attributes);
        foreach (Value? output in scan.Outputs)
            one.AddOutput(output!);
        while (node.Outputs.Count < body.Outputs.Count)
            node.AddOutput("unread");
        context.Replace(node, "Scan", inputs, [new("body", one), new("num_scan_inputs", inputs.Length)]);

        OnnxType? ItemType(Value batched) => context.ElementTypeOf(batched) is not { } type ? null
            : new OnnxType.Tensor(type, context.ShapeOf(batched) is { Count: > 0 } shape ? [.. shape.Skip(1)] : null);
    }
}
