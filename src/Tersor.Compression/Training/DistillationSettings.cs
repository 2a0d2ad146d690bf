namespace Tersor.Compression.Training;

/// <summary>How a student learns from its teachers: alpha · T² · KL(teacher / T ‖ student / T) + (1 - alpha) · the loss of labels, and what else it takes over. Immutable; change it with <c>with</c>.</summary>
/// <remarks>Source: Hinton et al. 2015, arXiv:1503.02531, section 2.</remarks>
public sealed record DistillationSettings
{
    /// <summary>T, which logits are divided by: the higher, the more the wrong classes tell. Default 4.</summary>
    public double Temperature { get; init; } = 4;

    /// <summary>What T comes to at the end of training, in a straight line; null: it stays. Default null.</summary>
    public double? TemperatureEnd { get; init; }

    /// <summary>Share of the teachers' word, 0..1; labels have the rest. Without labels the teachers have it all. Default 0.9.</summary>
    public double Alpha { get; init; } = 0.9;

    /// <summary>What alpha comes to at the end of training, in a straight line; null: it stays. Default null.</summary>
    public double? AlphaEnd { get; init; }

    /// <summary>How outputs are compared. Default: by what they are.</summary>
    public SoftLoss SoftLoss { get; init; } = SoftLoss.Auto;

    /// <summary>Hidden values that the student's are to equal, behind a learned linear map where channels differ in number. Default none.</summary>
    /// <remarks>Source: Romero et al. 2015, arXiv:1412.6550, section 2.2.</remarks>
    public IReadOnlyList<FeaturePair> Features { get; init; } = [];

    /// <summary>What the mean squared error of each pair of <see cref="Features"/> is multiplied by. Default 1.</summary>
    public double FeatureWeight { get; init; } = 1;

    /// <summary>Hidden values whose places of high activation the student's are to share. Default none.</summary>
    /// <remarks>Source: Zagoruyko and Komodakis 2017, arXiv:1612.03928, section 3.1.</remarks>
    public IReadOnlyList<FeaturePair> Attention { get; init; } = [];

    /// <summary>What the mean squared difference of each pair's attention maps is multiplied by. Default 1000, as in the paper.</summary>
    public double AttentionWeight { get; init; } = 1000;

    /// <summary>Bytes of memory for what teachers said, so that they look at every sample once; 0: none. Only without augmentation, and where samples have names of their own. Default 512 MB.</summary>
    public long CacheBytes { get; init; } = 512L << 20;

    /// <summary>T when a share of training is done.</summary>
    public double TemperatureAt(double done) => Temperature + ((TemperatureEnd ?? Temperature) - Temperature) * done;

    /// <summary>Alpha when a share of training is done.</summary>
    public double AlphaAt(double done) => Alpha + ((AlphaEnd ?? Alpha) - Alpha) * done;

    /// <summary>Every broken rule, in words; empty when the settings are usable.</summary>
    public IEnumerable<string> Problems()
    {
        foreach ((string name, double? temperature) in new[] { (nameof(Temperature), Temperature), (nameof(TemperatureEnd), TemperatureEnd) })
        {
            if (temperature is { } t && !(t > 0 && double.IsFinite(t)))
                yield return $"{name} is {t}; expected a positive number.";
        }
        foreach ((string name, double? alpha) in new[] { (nameof(Alpha), Alpha), (nameof(AlphaEnd), AlphaEnd) })
        {
            if (alpha is { } a && !(a is >= 0 and <= 1))
                yield return $"{name} is {a}; expected 0..1.";
        }
        if (!Enum.IsDefined(SoftLoss))
            yield return $"{nameof(SoftLoss)} is {SoftLoss}; expected {string.Join(", ", Enum.GetNames<SoftLoss>())}.";
        foreach ((string name, double weight) in new[] { (nameof(FeatureWeight), FeatureWeight), (nameof(AttentionWeight), AttentionWeight) })
        {
            if (!(weight >= 0 && double.IsFinite(weight)))
                yield return $"{name} is {weight}; expected 0 or more.";
        }
        foreach (FeaturePair pair in Features.Concat(Attention).Where(p => p.TeacherIndex < 0))
            yield return $"{nameof(FeaturePair.TeacherIndex)} of '{pair.Student}' is {pair.TeacherIndex}; expected 0 or more.";
        if (CacheBytes < 0)
            yield return $"{nameof(CacheBytes)} is {CacheBytes}; expected 0 or more.";
    }
}

/// <summary>How a student's outputs are compared with its teachers'.</summary>
public enum SoftLoss
{
    /// <summary>As classes where an output ends in Softmax, LogSoftmax or Sigmoid, where labels name classes, or where there are 2 or 3 axes and 2 or more classes; else as values.</summary>
    Auto,

    /// <summary>Kullback-Leibler divergence of the classes' shares; of each yes-or-no answer behind a Sigmoid.</summary>
    Classes,

    /// <summary>Mean of squared differences.</summary>
    Values,
}

/// <summary>A hidden value of the student and one of a teacher.</summary>
/// <param name="Student">Name of the student's value.</param>
/// <param name="Teacher">Name of the teacher's value.</param>
/// <param name="TeacherIndex">Which teacher's, from 0. Default the first.</param>
public sealed record FeaturePair(string Student, string Teacher, int TeacherIndex = 0);
