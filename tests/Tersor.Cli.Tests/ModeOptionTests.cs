namespace Tersor.Cli.Tests;

/// <summary>An option of <c>tersor quantize</c> that the mode does not read is refused, not ignored: every option in every mode.</summary>
public sealed class ModeOptionTests : IDisposable
{
    private const string OnlyStatic = "--ranges --repair --activations --symmetric-activations --per-tensor --asymmetric-weights --allow-slower --no-cache --use-ranges --save-ranges --plan";
    private const string NotWeights = "--target --no-stored-weights";
    private const string OnlyData = "--time --calibration-samples --sensitivity-samples --selection-samples --max-drop --min-cosine --min-agreement --min-sqnr --metric --data-root";

    /// <summary>These have no meaning without --train, whatever the mode.</summary>
    private const string Training = "--epochs --steps --batch --learning-rate --labels --fixed-scales --checkpoint";

    private readonly TestFolder folder = new();

    public static TheoryData<string, string, bool> Pairs => [.. from option in CommandLine.Root(new(TextWriter.Null, TextWriter.Null)).Subcommands.Single(c => c.Name == "quantize").Options
        where option.Name is not ("--mode" or "--data" or "--output" or "--help" or "--train")
        from mode in new[] { "auto", "static", "dynamic", "weights" }
        from hasData in new[] { true, false }
        where hasData || mode != "static"
        select (option.Name, mode, hasData)];

    public void Dispose() => folder.Dispose();

    [Theory, MemberData(nameof(Pairs))]
    public async Task An_option_is_read_in_the_mode_or_refused(string option, string mode, bool hasData)
    {
        string absent = folder.At("absent.onnx");
        Cli run = await Cli.Run(["quantize", absent, "-o", folder.At("out.onnx"), "--mode", mode, .. hasData ? ["--data", "random"] : Array.Empty<string>(), option, .. Value(option)]);
        string actual = mode != "auto" ? mode : hasData || option == "--plan" ? "static" : "dynamic";
        bool refused = Has(Training, option) || Has(OnlyStatic, option) && actual != "static" || Has(NotWeights, option) && actual == "weights" || Has(OnlyData, option) && !hasData;
        Assert.Equal("", run.Out);
        if (refused)
        {
            Assert.True(run.ExitCode == ExitCodes.WrongUsage, run.Error);
            Assert.Contains(option, run.Error, StringComparison.Ordinal);
        }
        else
        {
            Assert.True(run.ExitCode == ExitCodes.Failed, run.Error); // nothing was wrong but that the model, or the file named, is not there
            Assert.Contains("no such file", run.Error, StringComparison.Ordinal);
        }
    }

    private static bool Has(string options, string option) => options.Split(' ').Contains(option);

    private string[] Value(string option) => option switch
    {
        "--ranges" => ["mse"],
        "--repair" => ["bias"],
        "--activations" => ["UInt8"],
        "--asymmetric-weights" => ["--per-tensor", "--weight-bits", "8"],
        "--use-ranges" or "--plan" or "--save-ranges" or "--report" or "--checkpoint" => [folder.At("side.json")],
        "--target" => ["Arm64"],
        "--time" => ["1m"],
        "--max-size" => ["1MB"],
        "--metric" => ["cosine"],
        "--data-root" => [folder.Path],
        "--dim" => ["n=1"],
        "--input-shape" => ["x=1x2"],
        "--external-data" => ["Never"],
        "--keep-float" => ["conv*"],
        "--symmetric-activations" or "--per-tensor" or "--allow-slower" or "--no-cache" or "--no-stored-weights" or "--standard-ops" or "--labels" or "--fixed-scales" or "--dry-run" or "--no-plan"
            or "--no-optimize" or "--force" or "--json" or "--trust-links" or "--inputs-are-constants" => [],
        "--max-drop" or "--min-cosine" or "--min-agreement" => ["0.5"],
        _ => ["4"],
    };
}
