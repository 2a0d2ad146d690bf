using Tersor.Onnx;

namespace Tersor.Compression.Constraints;

/// <summary>Compares the constraints of a model before and after a pass, so that none is lost without a word.</summary>
internal sealed class ConstraintCheck
{
    private readonly List<(Value Weight, string Name, Constraint Constraint, Use[] Readers)> before = [];

    /// <summary>Notes the constraints as they are.</summary>
    public ConstraintCheck(Model model)
    {
        foreach (Value value in model.AllConstants().Where(v => v.Constraints.Count > 0 && !v.IsUnused))
        {
            Use[] readers = [.. FinalReaders(value, 0)];
            foreach (Constraint constraint in value.Constraints)
                before.Add((value, value.Name, constraint, readers));
        }
    }

    /// <summary>Reports each constraint that neither its weight, nor what its readers read now, nor a constant the pass made has any more.</summary>
    public void Report(Model model, PassReport report)
    {
        if (before.Count == 0)
            return;
        Value[] constants = [.. model.AllConstants().Where(v => v.Constraints.Count > 0)];
        HashSet<Value> tagged = [.. constants], old = [.. before.Select(b => b.Weight)];
        Dictionary<Type, int> made = constants.Where(v => !old.Contains(v)).SelectMany(v => v.Constraints).GroupBy(c => c.GetType()).ToDictionary(g => g.Key, g => g.Count());
        foreach ((Value weight, string name, Constraint constraint, Use[] readers) in before)
        {
            Type kind = constraint.GetType();
            if (tagged.Contains(weight) && Has(weight.Constraints, kind))
                continue;
            if (readers.Any(r => r.Node.IsInGraph && r.Node.Input(r.Index) is { } now && Has(ConstraintFlow.Behind(now), kind)))
                continue;
            if (made.GetValueOrDefault(kind) > 0)
                made[kind]--;
            else
                report.Lose(name, constraint);
        }
    }

    private static bool Has(IEnumerable<Constraint> constraints, Type kind) => constraints.Any(c => c.GetType() == kind);

    /// <summary>What computes with a constant, seen through nodes that only move it.</summary>
    private static IEnumerable<Use> FinalReaders(Value value, int depth) => value.Uses.SelectMany(u =>
        u.Index == 0 && depth < 100 && u.Node.Is("Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Cast") && u.Node.Output(0) is { } moved ? FinalReaders(moved, depth + 1) : [u]);
}
