using Google.OrTools.Sat;
using Tersor.Compression.Quantization.Placement;

namespace Tersor.Pipeline.Quantization;

/// <summary>Chooses what runs in 8 bits so that the time is least while the error stays within a budget.</summary>
/// <remarks>An integer program: a variable a unit, one a conversion, one a layer whose error counts once anything of it is quantized; errors of layers add up.
/// Solved by constraint programming (Google OR-Tools CP-SAT) on one thread under a limit of deterministic time, so that the same program has the same answer everywhere.</remarks>
internal static class BudgetProgram
{
    /// <summary>Costs are whole numbers to the solver: ns; and errors parts of the budget.</summary>
    private const double ErrorSteps = 1e6;

    /// <summary>Units of the solver's own measure of work, about a second each.</summary>
    private const double Effort = 3;

    /// <summary>Units that run in 8 bits, by key.</summary>
    /// <param name="problems">The choices and costs of every graph.</param>
    /// <param name="layers">Layers with the error each causes; units of no layer cause none.</param>
    /// <param name="budget">Sum of errors allowed.</param>
    public static IReadOnlySet<string> Solve(IReadOnlyList<PlacementProblem> problems, IReadOnlyList<RankedLayer> layers, double budget)
    {
        CpModel program = new();
        Dictionary<string, BoolVar> quantized = [];
        List<LinearExpr> costs = [];
        foreach (PlacementProblem problem in problems)
        {
            foreach (QuantizationUnit unit in problem.Units)
            {
                BoolVar variable = quantized[unit.Key] = program.NewBoolVar(unit.Key);
                costs.Add((Cost(unit.QuantizedCost) - Cost(unit.FloatCost)) * variable);
            }
            foreach (BoundaryValue value in problem.Values)
            {
                if (value.Readers.Count > 0)
                {
                    BoolVar quantize = program.NewBoolVar("");
                    costs.Add(Cost(value.QuantizeCost) * quantize);
                    foreach (QuantizationUnit reader in value.Readers) // made in float, read in 8 bits
                        program.Add(value.Producer is null ? quantize >= quantized[reader.Key] : quantize >= quantized[reader.Key] - quantized[value.Producer.Key]);
                }
                if (value.Producer is null || value.DequantizeCost == 0)
                    continue;
                BoolVar dequantize = program.NewBoolVar("");
                costs.Add(Cost(value.DequantizeCost) * dequantize);
                if (value.HasFloatReader)
                    program.Add(dequantize >= quantized[value.Producer.Key]);
                foreach (QuantizationUnit reader in value.Readers)
                    program.Add(dequantize >= quantized[value.Producer.Key] - quantized[reader.Key]);
            }
        }
        List<LinearExpr> errors = [];
        foreach (RankedLayer layer in layers)
        {
            BoolVar used = program.NewBoolVar(layer.Name);
            foreach (QuantizationUnit unit in layer.Units.Where(u => quantized.ContainsKey(u.Key)))
                program.Add(used >= quantized[unit.Key]);
            // What alone exceeds the budget stays out of the solver's numbers' range.
            errors.Add((long)Math.Ceiling(Math.Min(layer.Noise / budget, 2) * ErrorSteps) * used);
        }
        // A unit whose error was not measured stays as it was: in float.
        HashSet<string> measured = [.. layers.SelectMany(l => l.Units).Select(u => u.Key)];
        foreach ((string key, BoolVar variable) in quantized)
        {
            if (!measured.Contains(key))
                program.Add(variable == 0);
        }
        program.Add(LinearExpr.Sum(errors) <= (long)ErrorSteps + layers.Count); // each was rounded up by less than one step
        program.Minimize(LinearExpr.Sum(costs));
        CpSolver solver = new() { StringParameters = $"num_workers:1,random_seed:1,max_deterministic_time:{Effort.ToString(System.Globalization.CultureInfo.InvariantCulture)}" };
        CpSolverStatus status = solver.Solve(program);
        return status is CpSolverStatus.Optimal or CpSolverStatus.Feasible ? quantized.Where(q => solver.BooleanValue(q.Value)).Select(q => q.Key).ToHashSet() : new HashSet<string>();
    }

    private static long Cost(double nanoseconds) => double.IsInfinity(nanoseconds) ? 1L << 40 : (long)Math.Round(nanoseconds);
}
