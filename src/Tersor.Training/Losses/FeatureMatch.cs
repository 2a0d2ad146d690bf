using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Training.Weights;

namespace Tersor.Training.Losses;

/// <summary>A hidden value of the student beside one of a teacher.</summary>
/// <param name="Pair">Their names.</param>
/// <param name="Index">Which pair it is; helpers are named by it.</param>
/// <param name="IsAttention">Whether attention maps are compared, not the values themselves.</param>
/// <param name="Helpers">The linear map between them: weight and bias, or none.</param>
internal sealed record FeatureMatch(FeaturePair Pair, int Index, bool IsAttention, IReadOnlyList<HelperParameter> Helpers)
{
    /// <summary>Where the value is found in a model.</summary>
    /// <exception cref="TrainingException">It has no such value.</exception>
    public static Value Find(Model model, string name, string whose) => Execution.RunningModel.Find(model, name)
        ?? throw new TrainingException($"No value of {whose} is called '{name}', which features or attention maps are to be compared at. 'tersor inspect' lists the nodes and what they give; name an output of a node of the main graph.");

    /// <summary>The pair with what it takes to compare these shapes.</summary>
    /// <param name="pair">Names.</param>
    /// <param name="index">Which pair it is.</param>
    /// <param name="attention">Whether attention maps are compared.</param>
    /// <param name="student">Shape of the student's value.</param>
    /// <param name="teacher">Shape of the teacher's.</param>
    /// <param name="seed">Start of random numbers.</param>
    /// <exception cref="TrainingException">They cannot be compared.</exception>
    public static FeatureMatch Of(FeaturePair pair, int index, bool attention, long[] student, long[] teacher, int seed)
    {
        string found = $"'{pair.Student}' of the student has shape [{string.Join(',', student)}], and '{pair.Teacher}' of teacher {pair.TeacherIndex + 1} [{string.Join(',', teacher)}]";
        if (student.Length != teacher.Length || student.Length is < 2 or > 5 || student[0] != teacher[0])
            throw new TrainingException($"{found}; expected as many axes, 2 to 5, and as many samples. Name values at like places of both models.");
        int axis = FeatureLosses.ChannelAxis(student, teacher);
        if (attention && student.Length == 2)
            throw new TrainingException($"{found}; attention maps need positions: 3 axes or more. Name values before the pooling.");
        long from = student[axis], to = teacher[axis];
        return new(pair, index, attention, attention || from == to ? [] : Map(index, from, to, seed));
    }

    private static HelperParameter[] Map(int index, long from, long to, int seed)
    {
        Random random = new(unchecked(seed * 486187739 + index));
        float[] weight = new float[from * to];
        double bound = Math.Sqrt(3.0 / from); // as much variance comes out as goes in
        for (int i = 0; i < weight.Length; i++)
            weight[i] = (float)(bound * (2 * random.NextDouble() - 1));
        return [new($"features/{index}/weight", OnnxTensor.Create([to, from], weight)), new($"features/{index}/bias", OnnxTensor.Create([to], new float[to]))];
    }
}
