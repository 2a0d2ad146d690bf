using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;

namespace Tersor.Pipeline.Tests.Quantization.Search;

public sealed class BudgetProgramTests
{
    [Theory]
    [InlineData(0.05), InlineData(0.2), InlineData(0.5), InlineData(1.0)]
    public void The_cheapest_choice_within_the_budget_is_that_of_trying_all(double share)
    {
        Model model = SmallNetwork.Model();
        InferredTypes types = ShapeInference.Infer(model);
        PlacementProblem problem = new Placer(EngineRules.X64Vnni, types.TypeOf).Problem(model.Graph, _ => null, []);
        QuantizationUnit[] units = [.. problem.Units];
        Random random = new(7);
        RankedLayer[] layers = [.. units.Select(u => new RankedLayer([u], random.NextDouble()))];
        double budget = share * layers.Sum(l => l.Noise);

        (double Cost, int Choice) best = (double.PositiveInfinity, -1);
        for (int choice = 0; choice < 1 << units.Length; choice++)
        {
            if (layers.Where((_, i) => (choice >> i & 1) == 1).Sum(l => l.Noise) > budget)
                continue;
            double cost = problem.Cost(units.Where((_, i) => (choice >> i & 1) == 1).ToHashSet());
            if (cost < best.Cost)
                best = (cost, choice);
        }
        IReadOnlySet<string> found = BudgetProgram.Solve([problem], layers, budget);
        // Costs are whole nanoseconds to the solver.
        Assert.Equal(best.Cost, problem.Cost(units.Where(u => found.Contains(u.Key)).ToHashSet()), 2.0 * (units.Length + problem.Values.Count));
        Assert.True(layers.Where(l => found.Contains(l.Units[0].Key)).Sum(l => l.Noise) <= budget * 1.0001);
    }

    [Fact]
    public void A_unit_whose_error_was_not_measured_stays_float()
    {
        Model model = SmallNetwork.Model();
        PlacementProblem problem = new Placer(EngineRules.X64Vnni, ShapeInference.Infer(model).TypeOf).Problem(model.Graph, _ => null, []);
        RankedLayer[] layers = [.. problem.Units.Skip(1).Select(u => new RankedLayer([u], 0.001))];
        Assert.DoesNotContain(problem.Units[0].Key, BudgetProgram.Solve([problem], layers, 10));
    }
}
