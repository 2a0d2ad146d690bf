using Tersor.Compression.Training;
using Tersor.Training.Libtorch;
using Tersor.Training.Optimization;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Optimization;

public sealed class OptimizerTests
{
    public static TheoryData<string> Names => ["sgd", "momentum", "nesterov", "adam", "adamw"];

    public static MatrixTheoryData<string, bool> Cases => new(Names.Select(n => n.Data), [false, true]);

    /// <summary>Against the formulas of the papers, in plain double-precision code.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Steps_follow_the_formula(string name, bool moves)
    {
        const double Rate = 0.1, Decay = 0.05;
        TrainingOptimizer settings = name switch
        {
            "sgd" => new TrainingOptimizer.Sgd(0),
            "momentum" => new TrainingOptimizer.Sgd(0.9),
            "nesterov" => new TrainingOptimizer.Sgd(0.9, Nesterov: true),
            "adam" => new TrainingOptimizer.Adam(),
            _ => new TrainingOptimizer.AdamW(),
        };
        double[] expected = [1, -2, 0.5], first = new double[3], second = new double[3];
        using Tensor values = tensor(expected.ToArray());
        using Optimizer optimizer = Optimizer.Create(settings, values);
        Random random = new(7);
        for (int step = 0; step < 6; step++)
        {
            double? given = moves ? 0.95 - 0.02 * step : null;
            double[] gradient = [.. Enumerable.Range(0, 3).Select(_ => 2 * random.NextDouble() - 1)];
            using (Tensor gradients = tensor(gradient.ToArray()))
                optimizer.Step(values, gradients, Rate, Decay, step, given);
            for (int i = 0; i < 3; i++)
            {
                double g = gradient[i] + (name == "adamw" ? 0 : Decay * expected[i]);
                if (name is "adam" or "adamw")
                {
                    double beta = given ?? 0.9;
                    first[i] = beta * first[i] + (1 - beta) * g;
                    second[i] = 0.999 * second[i] + 0.001 * g * g;
                    double m = first[i] / (1 - Math.Pow(beta, step + 1)), v = second[i] / (1 - Math.Pow(0.999, step + 1));
                    if (name == "adamw")
                        expected[i] -= Rate * Decay * expected[i];
                    expected[i] -= Rate * m / (Math.Sqrt(v) + 1e-8);
                }
                else
                {
                    double momentum = name == "sgd" ? 0 : given ?? 0.9;
                    first[i] = momentum * first[i] + g;
                    expected[i] -= Rate * (name == "nesterov" ? g + momentum * first[i] : first[i]);
                }
            }
            Assert.All(expected.Zip(TorchTensors.ToOnnx(values).ToDoubles()), pair => Assert.Equal(pair.First, pair.Second, 10));
        }
    }
}
