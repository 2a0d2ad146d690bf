namespace Tersor.Compression.Training;

/// <summary>What a teacher is fed with.</summary>
public static class TeacherInputs
{
    /// <summary>Pairs the inputs of a teacher with those of its student: by name, and what is left by position.</summary>
    /// <param name="name">What the teacher is called in messages.</param>
    /// <param name="teacher">Names of its inputs, in its order.</param>
    /// <param name="student">Names of the student's inputs, in its order.</param>
    /// <returns>The student's input by the teacher's.</returns>
    /// <exception cref="TrainingException">Nothing is left for an input of the teacher.</exception>
    public static IReadOnlyDictionary<string, string> Match(string name, IReadOnlyList<string> teacher, IReadOnlyList<string> student)
    {
        Queue<string> rest = new(student.Except(teacher));
        return teacher.ToDictionary(input => input, input => student.Contains(input) ? input : rest.TryDequeue(out string? next) ? next
            : throw new TrainingException($"{name} takes {string.Join(", ", teacher)}, and the student {string.Join(", ", student)}: nothing is left for '{input}'. A teacher can be fed only what its student is."));
    }
}
