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
        Option<bool> trustLinks = CommonOptions.TrustLinks(), json = CommonOptions.Json();
        Command command = new("inspect", "Show what a model is made of, without running it.") { model, layers, trustLinks, json };
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(
            parsed.GetRequiredValue(model), parsed.GetValue(layers), new() { TrustLinks = parsed.GetValue(trustLinks) }, parsed.GetValue(json), terminal, cancellation)));
        return command.WithHelp(
            "Layers, parameters, multiply-accumulates (MACs), bytes, where the weights stand, inputs, outputs, operator sets.\n"
            + "The model is read, never run, and external data is not read at all: models of many gigabytes take a moment.",
            "tersor inspect model.onnx", "tersor inspect model.onnx --layers", "tersor inspect model.onnx --json");
    }

    public static int Execute(string path, bool layers, ReadOptions reading, bool json, Terminal terminal, CancellationToken cancellation)
    {
        ModelInspection inspection = ModelInspector.Inspect(Model.Load(path, reading), path, layers, cancellation);
        if (json)
            ReportJson.Write(inspection, terminal.Out);
        else
            InspectionTables.Print(inspection, new(terminal));
        return ExitCodes.Done;
    }
}
