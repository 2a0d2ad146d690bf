using System.CommandLine;
using System.CommandLine.Parsing;
using Tersor.Cli.Running;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;

namespace Tersor.Cli.Parsing;

/// <summary>The options that say how to quantize, and the settings they make.</summary>
internal sealed class QuantizationOptions
{
    private static readonly QuantizeSettings Defaults = new();

    /// <summary>The element types that activations may have.</summary>
    private enum ActivationType
    {
        UInt4 = ElementType.UInt4,
        UInt8 = ElementType.UInt8,
        Int8 = ElementType.Int8,
        UInt16 = ElementType.UInt16,
        Int16 = ElementType.Int16,
    }

    private readonly Option<QuantizationMode> mode = new("--mode")
    {
        Description = "Static needs calibration data, Dynamic (MatMul, Gemm and LSTM only) and Weights (smaller, not faster) none; Auto is static where there are data.",
        DefaultValueFactory = _ => Defaults.Mode,
    };

    private readonly Option<double> maxDrop = new("--max-drop")
    {
        HelpName = "share",
        Validators = { result => CommonOptions.Range(result, "--max-drop", 0.0, 1.0) },
        Description = "How much of the metric may be lost: 0.005 is half a point of accuracy.",
        DefaultValueFactory = _ => Defaults.Budget.MaxDrop,
    };

    private readonly Option<double?> minCosine = Least("--min-cosine", "share", -1, 1, $"Least mean cosine between every output and the float model's. Without labels, where no limit is given: {Budget.UsualCosine}.");
    private readonly Option<double?> minAgreement = Least("--min-agreement", "share", 0, 1, $"Least share of answers with the float model's best class, for outputs that end in Softmax or ArgMax. Without labels, where no limit is given: {Budget.UsualAgreement}.");
    private readonly Option<double?> minSqnr = Least("--min-sqnr", "dB", -1000, 1000, "Least signal to noise of every output, in dB. No limit, unless given.");
    private readonly Option<TimeSpan?> time = TimeOption.Create("--time", "Time the search may take, with --train the training too, about; the best so far is the result. No limit, unless given.");

    private readonly Option<double?> minSpeedUp = new("--min-speedup")
    {
        HelpName = "times",
        Validators = { result => CommonOptions.Range(result, "--min-speedup", 0.01, 1000.0) },
        Description = "Fail unless the result is this many times as fast as the float model on this machine, at the lower end of the measurement's 95 % interval.",
    };

    private readonly Option<long?> maxSize = SizeOption.Create("--max-size", "Bytes of weights the result may have at most: 3MB, 250kB.");
    private readonly Option<string> ranges = RangeOption.Create();
    private readonly Option<string[]> repairs = new("--repair")
    {
        HelpName = "name",
        Description = $"Repair that may be tried; may be given several times: {string.Join(", ", RepairNames.All)}, none. Each is kept only where it helps on held-out samples. All, unless said otherwise.",
        DefaultValueFactory = _ => [],
        Validators =
        {
            result =>
            {
                foreach (Token token in result.Tokens.Where(t => t.Value != "none" && !RepairNames.All.Contains(t.Value)))
                    result.AddError($"There is no repair '{token.Value}'; there are {string.Join(", ", RepairNames.All)}, and none.");
                if (result.Tokens.Any(t => t.Value == "none") && result.Tokens.Any(t => t.Value != "none"))
                    result.AddError("--repair none cannot be combined with another repair.");
            },
        },
    };

    private readonly Option<string?> plan = new("--plan") { HelpName = "file", Description = "Make the model a plan file describes, as an earlier run wrote it or as you edited it. Nothing is measured, and what it says takes precedence over other options; give --data where its repairs need them." };
    private readonly Option<string?> useRanges = new("--use-ranges") { HelpName = "file", Description = "Use calibration ranges that --save-ranges wrote." };
    private readonly Option<TargetMachine> target = new("--target") { Description = "The kind of machine the result is for: what is safe and pays depends on it. Times are measured here all the same. This machine, unless said otherwise.", DefaultValueFactory = _ => Defaults.Target };
    private readonly Option<ActivationType?> activations = new("--activations") { HelpName = "type", Description = "Integers of activations: UInt4, UInt8, Int8, UInt16 or Int16. What suits the target, unless said otherwise; 16 bits are more exact, not faster. UInt4 is carried in 8 bits, for hardware of 4; see --train." };
    private readonly Option<int?> weightBits = new("--weight-bits") { HelpName = "n", Description = "Bits of a weight, 2..8. What suits the target, unless said otherwise: 8, or 7 where products of 8-bit weights can saturate (x64 without VNNI). With 4 and fewer the file is smaller and as fast; see --train. Weights that are only stored have 8, unless said otherwise." };
    private readonly Option<bool> perTensor = new("--per-tensor") { Description = "One scale a weight tensor instead of one an output channel." };
    private readonly Option<bool> asymmetricWeights = new("--asymmetric-weights") { Description = "Give weights a zero point; with --per-tensor only." };
    private readonly Option<bool> symmetricActivations = new("--symmetric-activations") { Description = "Zero in the middle of the activations' integers." };
    private readonly Option<int> calibration = CommonOptions.Number("--calibration-samples", "Calibration samples used, at most.", Defaults.CalibrationSamples, 1);
    private readonly Option<int> sensitivity = CommonOptions.Number("--sensitivity-samples", "Samples on which each layer's share in the error is measured; 0 quantizes what is fastest without asking.", Defaults.SensitivitySamples, 0);
    private readonly Option<int?> selection = CommonOptions.OptionalNumber("--selection-samples", "Held-out samples on which candidates are judged, at most. As many as a decision needs, unless given.", 1);
    private readonly Option<string[]> keepFloat = new("--keep-float") { Description = "Node that stays float, by name; * stands for any characters; may be given several times.", HelpName = "name", DefaultValueFactory = _ => [] };
    private readonly Option<bool> anySpeed = new("--allow-slower") { Description = "Keep static quantization where it turns out slower than float on this machine; otherwise weights are stored in 8 bits and computed with in float. With --train: quantize whatever can be, without timing it." };
    private readonly Option<bool> floatWeights = new("--no-stored-weights") { Description = "Leave weights float where their operator has no 8-bit form; otherwise they are stored in 8 bits and computed with in float." };
    private readonly Option<bool> standardOps = new("--standard-ops") { Description = "Use operators of ONNX's standard only, none of ONNX Runtime's own." };
    private readonly Option<bool> noCache = new("--no-cache") { Description = "Do not keep what was measured of layers for the next run with the same model, data and numbers." };
    private readonly Option<int> seed = new("--seed") { Description = "Draws the samples: the same seed draws the same.", HelpName = "n", DefaultValueFactory = _ => Defaults.Seed };
    private readonly Option<int> threads = CommonOptions.Threads();

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
        {
            mode, maxDrop, minCosine, minAgreement, minSqnr, minSpeedUp, maxSize, ranges, repairs, plan, useRanges, target, activations, symmetricActivations, weightBits, perTensor, asymmetricWeights,
            time, calibration, sensitivity, selection, keepFloat, anySpeed, floatWeights, standardOps, noCache, seed, threads,
        })
        {
            command.Add(option);
        }
    }

    /// <summary>The first option given that has a meaning for the search only, and none for training; null: none was.</summary>
    public string? ForSearchOnly(ParseResult parsed) => new Option[] { repairs, plan, sensitivity, noCache }.FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false })?.Name;

    /// <summary>Options that not every mode reads, and the modes that do.</summary>
    private (Option Option, QuantizationMode[] Readers)[] OfSomeModes =>
    [
        (ranges, [QuantizationMode.Static]), (repairs, [QuantizationMode.Static]), (activations, [QuantizationMode.Static]), (symmetricActivations, [QuantizationMode.Static]),
        (asymmetricWeights, [QuantizationMode.Static]), (perTensor, [QuantizationMode.Static]), (anySpeed, [QuantizationMode.Static]), (noCache, [QuantizationMode.Static]),
        (useRanges, [QuantizationMode.Static]), (plan, [QuantizationMode.Static]), (target, [QuantizationMode.Static, QuantizationMode.Dynamic]), (floatWeights, [QuantizationMode.Static, QuantizationMode.Dynamic]),
    ];

    /// <summary>Refuses options that are not read in the mode chosen, or without data. What a plan says takes precedence over other options: beside one they may stand.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="hasData">Whether data are given.</param>
    /// <param name="ofStatic">Options of the command itself that only static quantization reads.</param>
    /// <exception cref="UsageException">One of them is given.</exception>
    public void RequireRead(ParseResult parsed, bool hasData, params Option[] ofStatic)
    {
        QuantizationMode named = parsed.GetValue(mode), actual = named != QuantizationMode.Auto ? named : hasData || IsGiven(plan) ? QuantizationMode.Static : QuantizationMode.Dynamic;
        foreach ((Option option, QuantizationMode[] readers) in OfSomeModes.Concat(ofStatic.Select(o => (o, new[] { QuantizationMode.Static }))))
        {
            if (IsGiven(option) && !readers.Contains(actual))
                throw new UsageException($"{option.Name} is not read with --mode {Word(actual)}{(named == QuantizationMode.Auto ? ", which it is without data" : "")}; it is for --mode {string.Join(" and ", readers.Select(Word))}. Leave it out, or choose another mode.");
        }
        if (!hasData && !IsGiven(plan) && actual != QuantizationMode.Static && new Option[] { time, calibration, sensitivity, selection }.FirstOrDefault(IsGiven) is { } ofData)
            throw new UsageException($"{ofData.Name} is not read without data, since nothing is searched; give data with --data, or leave it out.");

        bool IsGiven(Option option) => parsed.GetResult(option) is { Implicit: false };

        static string Word(QuantizationMode mode) => $"{mode}".ToLowerInvariant();
    }

    /// <summary>What draws the samples.</summary>
    public int Seed(ParseResult parsed) => parsed.GetValue(seed);

    /// <summary>Threads to compute with.</summary>
    public int Threads(ParseResult parsed) => parsed.GetValue(threads);

    /// <summary>The settings asked for.</summary>
    public QuantizeSettings Read(ParseResult parsed) => Defaults with
    {
        Mode = parsed.GetValue(mode),
        Budget = new() { MaxDrop = parsed.GetValue(maxDrop), MinCosine = parsed.GetValue(minCosine), MinSqnr = parsed.GetValue(minSqnr), MinAgreement = parsed.GetValue(minAgreement) },
        TimeLimit = parsed.GetValue(time),
        MinSpeedUp = parsed.GetValue(minSpeedUp),
        MaxBytes = parsed.GetValue(maxSize),
        Ranges = RangeOption.Read(parsed.GetValue(ranges)),
        Repairs = parsed.GetValue(repairs) is { Length: > 0 } named ? [.. named.Where(r => r != "none")] : Defaults.Repairs,
        Plan = parsed.GetValue(plan) is { } file ? QuantizationPlan.Load(file) : null,
        KnownRanges = parsed.GetValue(useRanges) is { } known ? CalibrationRanges.Load(known) : null,
        Target = parsed.GetValue(target),
        Format = Format(parsed),
        CalibrationSamples = parsed.GetValue(calibration),
        SensitivitySamples = parsed.GetValue(sensitivity),
        SelectionSamples = parsed.GetValue(selection),
        KeepFloat = [.. parsed.GetValue(keepFloat)!],
        RequireSpeed = !parsed.GetValue(anySpeed),
        StoredWeightBits = parsed.GetValue(weightBits) ?? 8,
        StoreWeights = !parsed.GetValue(floatWeights),
        StandardOperatorsOnly = parsed.GetValue(standardOps),
        CacheFolder = parsed.GetValue(noCache) ? null : CacheFolder.Path,
        Seed = parsed.GetValue(seed),
        Threads = parsed.GetValue(threads),
    };

    private static Option<double?> Least(string name, string unit, double least, double greatest, string description) =>
        new(name) { HelpName = unit, Validators = { result => CommonOptions.Range(result, name, least, greatest) }, Description = description };

    /// <summary>What suits the target, with what was asked for otherwise.</summary>
    private NumberFormat Format(ParseResult parsed)
    {
        NumberFormat suited = EngineRules.For(parsed.GetValue(target)).Format;
        return suited with
        {
            Activations = parsed.GetValue(activations) is { } type ? (ElementType)type : suited.Activations,
            SymmetricActivations = parsed.GetValue(symmetricActivations) || suited.SymmetricActivations,
            WeightBits = parsed.GetValue(weightBits) ?? suited.WeightBits,
            Weights = parsed.GetValue(perTensor) ? new Granularity.PerTensor() : suited.Weights,
            AsymmetricWeights = parsed.GetValue(asymmetricWeights),
        };
    }
}
