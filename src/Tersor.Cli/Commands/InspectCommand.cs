using System.CommandLine;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Onnx;
using Tersor.Reporting;
using Tersor.Reporting.Inspection;

namespace Tersor.Cli.Commands;

/// <summary><c>tersor inspect</c>: what a model is made of, without running it.</summary>
internal static class InspectCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<bool> layers = new("--layers") { Description = "List every node, too." };
        Option<bool> roles = new("--roles") { Description = "List every constant with its role, too: weight, bias, mask, preprocessing, setting ..., as its use shows." };
        Option<Dictionary<string, long>> dimensions = PairOptions.Dimensions("Size of an open dimension of the inputs, by its name, for shapes and MACs.");
        Option<Dictionary<string, long[]>> shapes = PairOptions.Shapes("Shape of an input, by its name, for shapes and MACs.");
        Option<bool> json = CommonOptions.Json();
        ReadingOptions reading = new();
        Command command = new("inspect", "Show what a model is made of, without running it.") { model, layers, roles, dimensions, shapes };
        foreach (Option option in (Option[])[.. reading.OfFiles, json])
            command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(
            parsed.GetRequiredValue(model), parsed.GetValue(layers), parsed.GetValue(roles), new() { Dimensions = parsed.GetValue(dimensions)!, Shapes = parsed.GetValue(shapes)! }, reading.Read(parsed), parsed.GetValue(json), terminal, cancellation)));
        return command.WithHelp(
            "Layers, parameters, multiply-accumulates (MACs), bytes, where the weights stand, inputs, outputs, operator sets.\n"
            + "The model is read, never run, and external data is not read at all: models of many gigabytes take a moment.\n"
            + "MACs need shapes: a named first dimension counts as 1 unless --dim says otherwise; other open dimensions need a size.",
            "tersor inspect model.onnx", "tersor inspect model.onnx --layers --dim batch=1", "tersor inspect model.onnx --roles", "tersor inspect model.onnx --json");
    }

    public static int Execute(string path, bool layers, bool roles, InspectSizes sizes, ReadOptions reading, bool json, Terminal terminal, CancellationToken cancellation)
    {
        Model model = Model.Load(path, reading);
        string[] problems = [.. sizes.Problems(model)];
        if (problems.Length > 0)
            throw new UsageException(string.Join(" ", problems));
        ModelInspection inspection = ModelInspector.Inspect(model, path, sizes, layers, roles, cancellation);
        if (json)
            ReportJson.Write(inspection, terminal.Out);
        else
            InspectionTables.Print(inspection, new(terminal));
        return ExitCodes.Done;
    }
}
