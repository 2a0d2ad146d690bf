using System.CommandLine;
using Tersor.Compression.Training;

namespace Tersor.Cli.Parsing;

/// <summary>The options that say how a student learns from its teachers.</summary>
internal sealed class DistillationOptions
{
    private static readonly DistillationSettings Default = new();

    private readonly Option<double> temperature = Number("--temperature", "Temperature that answers of teacher and student are softened with.", Default.Temperature);
    private readonly Option<double?> temperatureEnd = new("--temperature-end") { HelpName = "x", Description = "Temperature at the end; it changes in a straight line. Default: it stays." };
    private readonly Option<double> alpha = Number("--alpha", "Share of the teacher's answers in the loss, 0..1; the rest goes to labels, where there are some.", Default.Alpha);
    private readonly Option<double?> alphaEnd = new("--alpha-end") { HelpName = "x", Description = "That share at the end; it changes in a straight line. Default: it stays." };
    private readonly Option<SoftLoss> soft = new("--soft-loss") { Description = "How answers are compared: Auto, Classes (as probabilities), Values (as numbers).", DefaultValueFactory = _ => Default.SoftLoss };
    private readonly Option<string[]> features = Pairs("--feature", "A value of the student that shall follow one of the teacher's, through a learned map; may be given several times.");
    private readonly Option<double> featureWeight = Number("--feature-weight", "Weight of features in the loss.", Default.FeatureWeight);
    private readonly Option<string[]> attention = Pairs("--attention", "Values whose maps of attention shall agree; may be given several times.");
    private readonly Option<double> attentionWeight = Number("--attention-weight", "Weight of attention in the loss.", Default.AttentionWeight);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { temperature, temperatureEnd, alpha, alphaEnd, soft, features, featureWeight, attention, attentionWeight })
            command.Add(option);
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="UsageException">It cannot be used.</exception>
    public DistillationSettings Read(ParseResult parsed)
    {
        DistillationSettings settings = new()
        {
            Temperature = parsed.GetValue(temperature),
            TemperatureEnd = parsed.GetValue(temperatureEnd),
            Alpha = parsed.GetValue(alpha),
            AlphaEnd = parsed.GetValue(alphaEnd),
            SoftLoss = parsed.GetValue(soft),
            Features = Pairs(parsed.GetValue(features)!, "--feature"),
            FeatureWeight = parsed.GetValue(featureWeight),
            Attention = Pairs(parsed.GetValue(attention)!, "--attention"),
            AttentionWeight = parsed.GetValue(attentionWeight),
        };
        string[] problems = [.. settings.Problems()];
        return problems.Length == 0 ? settings : throw new UsageException(string.Join(" ", problems));
    }

    private static FeaturePair[] Pairs(string[] given, string option) => [.. given.Select(text => text.Split('=') is [{ Length: > 0 } student, { Length: > 0 } teacher] ? new FeaturePair(student, teacher)
        : throw new UsageException($"{option} '{text}' is not understood; expected the name of a value of the student and one of the teacher, as in {option} relu_3=relu_7."))];

    private static Option<double> Number(string name, string description, double value) => new(name) { HelpName = "x", Description = description, DefaultValueFactory = _ => value };

    private static Option<string[]> Pairs(string name, string description) => new(name) { HelpName = "student=teacher", Description = description, DefaultValueFactory = _ => [] };
}
