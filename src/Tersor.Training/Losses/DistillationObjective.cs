using System.Globalization;
using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Training.Weights;

namespace Tersor.Training.Losses;

/// <summary>The distance to what teachers say of the same inputs, together with the distance to labels where there are any.</summary>
internal sealed class DistillationObjective : IObjective
{
    private readonly DistillationSettings settings;
    private readonly IObjective? hard;
    private readonly IReadOnlyList<Teacher> teachers;
    private readonly IReadOnlyList<OutputPair> outputs;
    private readonly IReadOnlyList<FeatureMatch> features;
    private readonly TrainableGraph graph;
    private TeacherCache? cache;
    private Plan? plan;
    private bool checkedRows;

    /// <param name="graph">The student.</param>
    /// <param name="hard">The loss of labels; null: there is none.</param>
    /// <param name="settings">How to learn.</param>
    /// <param name="teachers">Whom from. Not owned.</param>
    /// <param name="features">Hidden values to compare.</param>
    /// <param name="feedback">The student's state: which output is fed back to which input.</param>
    /// <param name="caches">Whether every sample is seen as it is, each time.</param>
    /// <exception cref="TrainingException">Outputs do not match.</exception>
    public DistillationObjective(TrainableGraph graph, IObjective? hard, DistillationSettings settings, IReadOnlyList<Teacher> teachers, IReadOnlyList<FeatureMatch> features, IReadOnlyDictionary<string, string> feedback, bool caches)
    {
        (this.graph, this.hard, this.settings, this.teachers, this.features) = (graph, hard, settings, teachers, features);
        Model student = graph.Program.Model;
        Value[] answers = [.. student.Graph.Outputs.Where(o => !feedback.ContainsKey(o.Name) && IsReal(o))];
        outputs = OutputPair.Match(answers, [.. teachers.Select(t => t.Answers)]);
        cache = caches && settings.CacheBytes > 0 ? new(settings.CacheBytes) : null;
        Wanted = [.. hard?.Wanted ?? [], .. outputs.SelectMany(o => new[] { o.Student.Output, o.Student.Logits }), .. features.Select(f => FeatureMatch.Find(student, f.Pair.Student, "the student"))];
    }

    public IReadOnlyList<Value> Wanted { get; }

    /// <summary>Whether what teachers said is kept: a run that goes on from a checkpoint has to gather it again.</summary>
    public bool Caches => cache is not null;

    public string? Words => plan is null ? null : $"{string.Join(", ", plan.Outputs.Select(o => $"'{o.Pair.Student.Output.Name}' compared with {(teachers.Count == 1 ? "the teacher's" : "the teachers'")} as {o.Kind switch { SoftKind.Classes => "classes", SoftKind.Answers => "answers of yes or no", _ => "values" }}"))}"
        + (settings is { Alpha: 1, AlphaEnd: null or 1 } || hard?.Words is not { } words ? "" : string.Create(CultureInfo.InvariantCulture, $", by {settings.Alpha}; {words}, by {1 - settings.Alpha:0.####}"));

    public void Begin()
    {
        hard?.Begin();
        foreach (Teacher teacher in teachers)
            teacher.Begin();
    }

    public Tensor Loss(ObjectiveInput input)
    {
        int own = hard?.Wanted.Count ?? 0;
        Tensor[] values = [.. input.Values.Skip(own)];
        ObjectiveInput judged = input with { Values = [.. input.Values.Take(own)] };
        plan ??= Made(judged, values);
        Tensor[] answers = Answers(input);
        double alpha = settings.AlphaAt(input.Done);
        double temperature = settings.TemperatureAt(input.Done);
        Tensor total = Soft(values, answers, temperature);
        int[] labelled = alpha == 1 || hard is null ? [] : hard is CallerObjective ? [.. Enumerable.Range(0, input.Samples.Count)] : input.Labelled();
        if (labelled.Length == input.Samples.Count)
        {
            total = total * alpha + hard!.Loss(judged) * (1 - alpha);
        }
        else if (labelled.Length > 0 && input.HasRows([.. judged.Values, .. values, .. answers]))
        {
            // Nobody but the teachers says anything about the others.
            double share = (1 - alpha) * labelled.Length / input.Samples.Count;
            total += (hard!.Loss(judged.Of(labelled)) - Soft(input.Rows(values, labelled), input.Rows(answers, labelled), temperature)) * share;
        }
        for (int i = 0; i < features.Count; i++)
            total += Hidden(features[i], values[2 * outputs.Count + i], answers[plan.Features[i]]);
        return total;
    }

    /// <summary>Mean over the outputs.</summary>
    private Tensor Soft(Tensor[] values, Tensor[] answers, double temperature)
    {
        Tensor? sum = null;
        foreach (Compared output in plan!.Outputs)
        {
            Tensor student = ShareLogits.For(values[output.Value], output.Pair.Student, output.Kind);
            Tensor[] taught = [.. output.Answers.Select((a, i) => ShareLogits.For(Alike(student, answers[a], output.Pair, i), output.Pair.Teachers[i], output.Kind))];
            Tensor loss = output.Kind switch
            {
                SoftKind.Classes => SoftLosses.Classes(student, taught, output.Pair.AxisOf((int)student.dim()), temperature),
                SoftKind.Answers => SoftLosses.Answers(student, taught, temperature),
                _ => SoftLosses.Values(student, taught),
            };
            sum = sum is null ? loss : sum + loss;
        }
        return sum! / plan.Outputs.Length;
    }

    private Tensor Hidden(FeatureMatch match, Tensor student, Tensor teacher) => match.IsAttention ? FeatureLosses.Attention(student, teacher) * settings.AttentionWeight
        : FeatureLosses.Fitted(student, teacher, Helper(match, 0), Helper(match, 1)) * settings.FeatureWeight;

    private Tensor? Helper(FeatureMatch match, int index) => match.Helpers.Count > index ? graph.Helper(match.Helpers[index].Name) : null;

    /// <summary>What every teacher says, one after the other.</summary>
    private Tensor[] Answers(ObjectiveInput input)
    {
        if (cache?.Find(input) is { } known)
            return known;
        Tensor[] answers = [.. teachers.SelectMany((t, i) => t.Run(input.Inputs, plan!.Wanted[i], input.Samples.Count))];
        if (cache is not null && !checkedRows && input.Samples.Count > 1)
        {
            checkedRows = true;
            if (!AnswersAreRows(input, answers))
                cache = null;
        }
        cache?.Add(input, answers);
        return answers;
    }

    /// <summary>Whether answers have one row a sample: fewer samples, fewer rows, and nothing else changes.</summary>
    private bool AnswersAreRows(ObjectiveInput input, Tensor[] answers)
    {
        if (input.Inputs.Values.Any(v => v.dim() > 0 && v.shape[0] != input.Samples.Count))
            return false;
        Dictionary<string, Tensor> one = input.Inputs.ToDictionary(i => i.Key, i => i.Value.dim() > 0 ? i.Value.narrow(0, 0, 1) : i.Value);
        try
        {
            Tensor[] alone = [.. teachers.SelectMany((t, i) => t.Run(one, plan!.Wanted[i], 0))];
            return alone.Zip(answers).All(a => a.First.dim() > 0 && a.First.shape[0] == 1 && a.Second.shape[0] == input.Samples.Count && a.First.shape.AsSpan(1).SequenceEqual(a.Second.shape.AsSpan(1)));
        }
        catch (TrainingException)
        {
            return false; // a batch size is written into the model
        }
    }

    /// <summary>What is compared how: known when a first batch is.</summary>
    private Plan Made(ObjectiveInput judged, Tensor[] values)
    {
        List<Value>[] wanted = [.. teachers.Select(_ => new List<Value>())];
        List<Compared> compared = [];
        LabelObjective? labels = hard as LabelObjective;
        for (int i = 0; i < outputs.Count; i++)
        {
            Tensor logits = values[2 * i + 1];
            if (!values[2 * i].is_floating_point())
                continue;
            OutputPair pair = outputs[i];
            SoftKind kind = pair.KindOf(settings.SoftLoss, ReferenceEquals(labels?.Output, pair.Student.Output) ? labels?.Kind(judged) : null, logits.shape);
            compared.Add(new(pair, kind, 2 * i + (kind == SoftKind.Values ? 0 : 1), [.. pair.Teachers.Select((t, n) => Ask(wanted[n], kind == SoftKind.Values ? t.Output : t.Logits))]));
        }
        if (compared.Count == 0)
            throw new TrainingException("The student has no output of floating-point numbers that a teacher could teach.");
        int[] hidden = [.. features.Select(f => Ask(wanted[f.Pair.TeacherIndex], FeatureMatch.Find(teachers[f.Pair.TeacherIndex].Model, f.Pair.Teacher, $"teacher {f.Pair.TeacherIndex + 1}")))];
        int[] starts = [.. wanted.Select((_, n) => wanted.Take(n).Sum(w => w.Count))];
        return new(wanted, [.. compared.Select(c => c with { Answers = [.. c.Answers.Select((a, n) => a + starts[n])] })], [.. hidden.Select((h, i) => h + starts[features[i].Pair.TeacherIndex])]);
    }

    private static int Ask(List<Value> wanted, Value value)
    {
        wanted.Add(value);
        return wanted.Count - 1;
    }

    /// <summary>A teacher's answer in the student's shape: axes of size 1 may differ.</summary>
    private static Tensor Alike(Tensor student, Tensor teacher, OutputPair pair, int number)
    {
        if (teacher.shape.AsSpan().SequenceEqual(student.shape))
            return teacher;
        if (teacher.shape.Where(d => d != 1).SequenceEqual(student.shape.Where(d => d != 1)))
            return teacher.reshape(student.shape);
        throw new TrainingException($"Output '{pair.Student.Output.Name}' of the student has shape [{string.Join(',', student.shape)}], and '{pair.Teachers[number].Output.Name}' of teacher {number + 1} [{string.Join(',', teacher.shape)}]. "
            + "Both must answer the same question: give the student as many classes and positions as its teacher, or name outputs so that the right ones meet.");
    }

    private bool IsReal(Value output) => graph.Program.State.Types?.TypeOf(output) is not { } type || type is OnnxType.Tensor { ElementType: var element } && element.IsFloat();

    /// <param name="Wanted">What each teacher is asked for.</param>
    /// <param name="Outputs">Outputs to compare.</param>
    /// <param name="Features">Where the teacher's hidden value lies among all answers, one a feature.</param>
    private sealed record Plan(IReadOnlyList<Value>[] Wanted, Compared[] Outputs, int[] Features);

    /// <param name="Pair">The output.</param>
    /// <param name="Kind">How it is compared.</param>
    /// <param name="Value">Where the student's value lies.</param>
    /// <param name="Answers">Where the teachers' values lie.</param>
    private sealed record Compared(OutputPair Pair, SoftKind Kind, int Value, int[] Answers);
}
