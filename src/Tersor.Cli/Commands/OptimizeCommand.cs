using System.CommandLine;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Cli.Running;
using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Reporting;
using Tersor.Reporting.Optimization;

namespace Tersor.Cli.Commands;

/// <summary>What <c>tersor optimize</c> was asked to do.</summary>
internal sealed record OptimizeRequest(string Model, string Output)
{
    public GraphOptimizerOptions Options { get; init; } = new();

    public DataRequest Data { get; init; } = DataRequest.None;

    public ModelReading Reading { get; init; } = new();

    public WriteOptions Writing { get; init; } = new();

    public bool Force { get; init; }

    /// <summary>Write a result that nothing could be run to verify.</summary>
    public bool Unverified { get; init; }

    public bool Json { get; init; }
}

/// <summary><c>tersor optimize</c>: the same outputs with less work.</summary>
internal static class OptimizeCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> output = CommonOptions.Output();
        DataOptions data = new(required: false);
        Option<Dictionary<string, long>> dimensions = PairOptions.Dimensions("Fix an open dimension of the inputs, by its name. The result takes this size only.");
        Option<Dictionary<string, long[]>> shapes = PairOptions.Shapes("Fix the whole shape of an input, by its name. The result takes this shape only.");
        Option<OptimizationLevel> level = new("--level") { Description = "How far to go: Graph (what helps on every engine), Engine (also into operators ONNX Runtime is fast at).", DefaultValueFactory = _ => new GraphOptimizerOptions().Level };
        Option<string[]> with = new("--with") { Description = "Run a pass that is not in the level, by its name; may be given several times.", HelpName = "pass", DefaultValueFactory = _ => [] };
        Option<string[]> without = new("--without") { Description = "Leave out a pass, by its name; may be given several times.", HelpName = "pass", DefaultValueFactory = _ => [] };
        Option<ExternalDataMode> externalData = CommonOptions.ExternalData();
        Option<bool> unverified = new("--unverified") { Description = "Go on where ONNX Runtime does not run the model, so that no step can be verified." };
        Option<bool> force = CommonOptions.Force(), json = CommonOptions.Json();
        ReadingOptions reading = new();
        Command command = new("optimize", "Rewrite a model so that it computes the same with less work.") { model, output, dimensions, shapes, level, with, without, externalData };
        data.AddTo(command, withMetrics: false);
        foreach (Option option in (Option[])[unverified, force, .. reading.All, json])
            command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(new(parsed.GetRequiredValue(model), parsed.GetRequiredValue(output))
        {
            Options = new()
            {
                Level = parsed.GetValue(level),
                With = parsed.GetValue(with)!,
                Without = parsed.GetValue(without)!,
                FixDimensions = new() { Dimensions = parsed.GetValue(dimensions)!, Shapes = parsed.GetValue(shapes)! },
            },
            Data = data.Read(parsed),
            Reading = reading.Read(parsed),
            Writing = new() { ExternalData = parsed.GetValue(externalData) },
            Unverified = parsed.GetValue(unverified),
            Force = parsed.GetValue(force),
            Json = parsed.GetValue(json),
        }, terminal, cancellation)));
        return command.WithHelp(
            () => "Lifts and folds constants, folds BatchNormalization and scales into the layers beside them, removes what does nothing, merges what is equal.\n"
            + "Every step is verified on sample input (the data given, or made-up ones): rewrites that move things must leave the outputs equal bit for bit,\n"
            + "those that compute differently within 1e-4 of the largest output. A step that differs is undone and reported.\n"
            + $"Passes: {string.Join(", ", PassNames)}.",
            "tersor optimize model.onnx -o optimized.onnx", "tersor optimize model.onnx -o optimized.onnx --dim batch=1", "tersor optimize model.onnx -o optimized.onnx --input-shape x=1x3x48x320");
    }

    /// <summary>The passes that leave the results as they are; those that approximate belong to other commands.</summary>
    private static IEnumerable<string> PassNames => PassCatalog.Entries.Where(e => e.Create(null).Effect != PassEffect.Lossy).Select(e => e.Name);

    /// <summary>How to ask for a lossy pass, where that is a mode of its own.</summary>
    private static string Mode(string pass) => pass switch { "quantize-weights" => " --mode weights", "quantize-dynamic" => " --mode dynamic", _ => "" };

    public static int Execute(OptimizeRequest request, Terminal terminal, CancellationToken cancellation)
    {
        OutputPath.Check(request.Output, request.Force, request.Model);
        foreach (string name in request.Options.Without.Concat(request.Options.With).Where(n => !PassNames.Contains(n) && PassCatalog.Find(n) is not null))
            throw new UsageException($"The pass '{name}' is lossy: it changes what the model computes, which 'optimize' never does. It goes by 'tersor quantize{Mode(name)}'.");
        foreach (string name in request.Options.Without.Concat(request.Options.With).Where(n => !PassNames.Contains(n)))
            throw new UsageException($"There is no pass '{name}'; there are {string.Join(", ", PassNames)}.");
        using CheckedModel input = CheckedModel.Load(request.Model, request.Reading, request.Data, request.Options.FixDimensions, terminal, cancellation,
            needs: request.Unverified ? Needed.Nothing : Needed.ToRun, otherwise: "No step could be verified; --unverified optimizes it all the same.");
        OverridableWeights.Note(request.Model, input.Model, terminal);
        GraphOptimizerOptions options = request.Options with { Samples = input.Samples, Runner = input.Runner };
        long bytesBefore = input.Bytes; // before the result may take the file's place
        OptimizationResult result;
        using (new Progress(terminal, "optimizing the graph"))
            result = new GraphOptimizer(options).Run(input.Model, cancellation);
        if (result.IsChanged)
            input.Save(result.Model, request.Output, request.Writing, cancellation);
        else
            input.SaveUnchanged(request.Output, request.Writing, cancellation); // whoever asked for a file gets one that works
        OptimizeReport report = OptimizeReport.Of(request.Model, bytesBefore, request.Output, result);
        if (request.Json)
            ReportJson.Write(report, terminal.Out);
        else
            OptimizationTables.Print(report, new(terminal));
        if (report.NoGain is not { } reason)
            return ExitCodes.Done;
        terminal.Say($"No gain: {reason}. The input model was written to {request.Output} as it is.");
        return ExitCodes.NoGain;
    }
}
