using Tersor.Reporting.Inspection;

namespace Tersor.Cli.Printing;

/// <summary><see cref="ModelInspection"/> for people.</summary>
internal static class InspectionTables
{
    public static void Print(ModelInspection model, Printer printer)
    {
        printer.Facts(Facts(model));
        printer.Line();
        printer.Heading("Constants by place");
        Groups("place", model.Places, printer);
        printer.Heading("Constants by element type");
        Groups("element type", model.ElementTypes, printer);
        printer.Heading("Constants by role");
        Groups("role", model.Roles, printer);
        printer.Heading("Operators");
        printer.Table(["operator", "nodes>", "parameters>", "weight bytes>", "MACs>"], model.Operators.Select(o => new[]
        {
            o.Operator, Units.Count(o.Count), Units.Count(o.Parameters), Units.Bytes(o.WeightBytes), Units.Macs(o.Macs),
        }));
        Constants(model, printer);
        if (model.Layers is { } layers)
        {
            printer.Heading("Layers");
            printer.Table(["node", "operator", "in", "output shape", "parameters>", "weight bytes>", "MACs>"], layers.Select(l => new[]
            {
                l.Name, l.Operator, l.Graph, l.OutputShape, Units.Count(l.Parameters), Units.Bytes(l.WeightBytes), Units.Macs(l.Macs),
            }));
        }
    }

    private static void Constants(ModelInspection model, Printer printer)
    {
        if (model.Constants is not { } constants)
            return;
        printer.Heading("Constants");
        printer.Table(["constant", "role", "type", "in", "read by"], constants.Select(c => new[]
        {
            c.Name, c.Roles.Count == 0 ? "unused" : string.Join(", ", c.Roles), c.Type, c.Graph, string.Join(", ", c.Readers.Take(2)) + (c.Readers.Count > 2 ? $" and {c.Readers.Count - 2} more" : ""),
        }));
    }

    private static IEnumerable<(string, string)> Facts(ModelInspection model)
    {
        yield return ("file", model.File);
        yield return ("size", Units.Bytes(model.FileBytes) + (model.ExternalBytes > 0 ? $", and {Units.Bytes(model.ExternalBytes)} of external data" : ""));
        yield return ("made by", model.Producer.Length > 0 ? model.Producer : "(the file does not say)");
        yield return ("format", $"IR version {model.IrVersion}; operator sets {string.Join(", ", model.Opsets.Select(o => $"{o.Key} {o.Value}"))}");
        foreach (InterfaceValue input in model.Inputs)
            yield return ("input", $"{input.Name}: {input.Type}");
        foreach (InterfaceValue output in model.Outputs)
            yield return ("output", $"{output.Name}: {output.Type}");
        yield return ("nodes", $"{Units.Count(model.Nodes)}, of which {Units.Count(model.LayersWithWeights)} {Plural.Noun(model.LayersWithWeights, "has", "have")} weights" + Nesting(model));
        yield return ("parameters", $"{Units.Count(model.Parameters)} in {Units.Bytes(model.WeightBytes)}");
        yield return ("MACs", (model.Macs is null ? "unknown" : Units.Macs(model.Macs)) + (model.MacsNote is { } note ? $" ({note})" : ""));
        foreach ((string key, string value) in model.Metadata)
            yield return ("metadata", $"{key} = {value}");
    }

    private static string Nesting(ModelInspection model) =>
        (model.NestedGraphs > 0 ? $"; {Plural.Of(model.NestedGraphs, "nested graph")}" : "") + (model.Functions > 0 ? $"; {Plural.Of(model.Functions, "function")}" : "");

    private static void Groups(string name, IReadOnlyList<ConstantGroup> groups, Printer printer) =>
        printer.Table([name, "tensors>", "elements>", "bytes>"], groups.Select(g => new[] { g.Name, Units.Count(g.Tensors), Units.Count(g.Elements), Units.Bytes(g.Bytes) }));
}
