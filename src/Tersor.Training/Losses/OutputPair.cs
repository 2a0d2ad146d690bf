using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Onnx.Roles;
using Tersor.Training.Operators.Fused;

namespace Tersor.Training.Losses;

/// <summary>An output of the student, and the same output of every teacher.</summary>
/// <param name="Student">The student's.</param>
/// <param name="Teachers">One a teacher.</param>
internal sealed record OutputPair(OutputEnding Student, IReadOnlyList<OutputEnding> Teachers)
{
    /// <summary>Pairs outputs: by name, and what is left by position.</summary>
    /// <param name="student">Outputs of the student that are no state.</param>
    /// <param name="teachers">Outputs of each teacher that are no state.</param>
    /// <exception cref="TrainingException">A teacher has no such output.</exception>
    public static IReadOnlyList<OutputPair> Match(IReadOnlyList<Value> student, IReadOnlyList<IReadOnlyList<Value>> teachers)
    {
        Value[][] matched = [.. teachers.Select((outputs, number) => Match(student, outputs, number + 1))];
        return [.. student.Select((output, i) => new OutputPair(Ending(output), [.. matched.Select(m => Ending(m[i]))]))];
    }

    /// <summary>What ends an output, fake quantization looked through.</summary>
    public static OutputEnding Ending(Value output) => OutputEnding.Of(output, node => node.Domain == FakeQuantization.Domain);

    /// <summary>How it is compared.</summary>
    /// <param name="asked">What settings say.</param>
    /// <param name="judged">What labels of this output are judged by; null where nothing judges it.</param>
    /// <param name="shape">Of the student's logits.</param>
    public SoftKind KindOf(SoftLoss asked, TrainingLoss? judged, long[] shape)
    {
        string[] closings = [.. Teachers.Append(Student).Select(o => o.Closing ?? o.Shares).OfType<string>().Select(c => c == "LogSoftmax" ? "Softmax" : c).Distinct()];
        if (asked == SoftLoss.Values)
            return SoftKind.Values;
        if (closings.Length > 1)
            throw new TrainingException($"Output '{Student.Output.Name}' of the student and its teachers end in {string.Join(" and ", closings.Order())}, which do not compare as classes. Compare them as values.");
        if (closings is ["Sigmoid"])
            return SoftKind.Answers;
        bool classes = asked == SoftLoss.Classes || closings is ["Softmax"] || judged is TrainingLoss.CrossEntropy or TrainingLoss.Ctc
            || judged is null && shape.Length is 2 or 3 && shape[AxisOf(shape.Length)] > 1;
        if (classes && shape[AxisOf(shape.Length)] < 2)
            throw new TrainingException($"Output '{Student.Output.Name}' of the student has shape [{string.Join(',', shape)}]; expected 2 or more classes on axis {AxisOf(shape.Length)}. Compare it as values.");
        return classes ? SoftKind.Classes : SoftKind.Values;
    }

    /// <summary>The axis of the classes: as an operator that ends a model says, or the second of two or four, else the last.</summary>
    public int AxisOf(int rank)
    {
        int axis = Student.Axis ?? Teachers.Select(t => t.Axis).FirstOrDefault(a => a is not null) ?? (rank is 2 or 4 ? 1 : -1);
        return axis < 0 ? axis + rank : axis;
    }

    private static Value[] Match(IReadOnlyList<Value> student, IReadOnlyList<Value> teacher, int number)
    {
        Queue<Value> rest = new(teacher.Where(t => student.All(s => s.Name != t.Name)));
        return [.. student.Select(s => teacher.FirstOrDefault(t => t.Name == s.Name) ?? (rest.TryDequeue(out Value? next) ? next
            : throw new TrainingException($"Output '{s.Name}' of the student has nothing to learn from: teacher {number} gives {string.Join(", ", teacher.Select(t => t.Name))}. Rename outputs so that they match, or cut this one off.")))];
    }
}
