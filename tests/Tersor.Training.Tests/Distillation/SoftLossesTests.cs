using Tersor.Training.Libtorch;
using Tersor.Training.Losses;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Distillation;

public sealed class SoftLossesTests
{
    private const int Samples = 3, Classes = 4;

    private static readonly double[] Student = [0.3, -1.2, 2.5, 0.1, -0.7, 0.9, 1.4, -2.2, 3.1, 0.2, -0.4, 1.7];
    private static readonly double[] First = [1.3, 0.2, -0.5, 2.1, 0.7, -1.9, 0.4, 1.2, -0.1, 2.2, 0.4, -1.7];
    private static readonly double[] Second = [-2.3, 1.2, 0.5, 0.1, 1.7, 0.9, -0.4, 0.2, 0.1, -1.2, 2.4, 0.7];

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Classes_equal_the_formula(double temperature)
    {
        using Tensor loss = SoftLosses.Classes(Of(Student), [Of(First)], 1, temperature);
        Assert.Equal(Divergence(Student, temperature, First), loss.item<double>(), 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Two_teachers_count_as_the_mean_of_their_shares(double temperature)
    {
        using Tensor loss = SoftLosses.Classes(Of(Student), [Of(First), Of(Second)], 1, temperature);
        Assert.Equal(Divergence(Student, temperature, First, Second), loss.item<double>(), 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Gradients_of_classes_are_the_difference_of_shares_times_the_temperature(double temperature)
    {
        // d(T² KL) / dz = T (softmax(z / T) - p), divided by the samples.
        using Tensor student = Of(Student).requires_grad_(true);
        SoftLosses.Classes(student, [Of(First)], 1, temperature).backward();
        double[] gradient = TorchTensors.ToOnnx(student.grad!).ToDoubles();
        for (int i = 0; i < Samples; i++)
        {
            double[] q = Shares(Student, i, temperature), p = Shares(First, i, temperature);
            for (int k = 0; k < Classes; k++)
                Assert.Equal(temperature * (q[k] - p[k]) / Samples, gradient[i * Classes + k], 1e-12);
        }
    }

    [Fact]
    public void At_high_temperatures_gradients_do_not_vanish()
    {
        // They come to those of half the squared difference of logits, over the classes: Hinton et al. 2015, equation 4.
        double[] gradient = [.. new[] { 100.0, 1000.0 }.Select(t =>
        {
            using Tensor student = Of(Student).requires_grad_(true);
            SoftLosses.Classes(student, [Of(First)], 1, t).backward();
            return student.grad!.norm().item<double>();
        })];
        Assert.Equal(1, gradient[1] / gradient[0], 0.02);
        Assert.True(gradient[0] > 0.1);
    }

    [Fact]
    public void Equal_logits_are_no_distance()
    {
        using Tensor classes = SoftLosses.Classes(Of(First), [Of(First)], 1, 4), answers = SoftLosses.Answers(Of(First), [Of(First)], 4), values = SoftLosses.Values(Of(First), [Of(First)]);
        Assert.Equal(0, classes.item<double>(), 1e-12);
        Assert.Equal(0, answers.item<double>(), 1e-12);
        Assert.Equal(0, values.item<double>());
    }

    [Fact]
    public void A_class_that_cannot_be_adds_nothing()
    {
        double[] impossible = [.. First.Select((x, i) => i % Classes == 2 ? double.NegativeInfinity : x)];
        using Tensor student = Of(Student).requires_grad_(true);
        using Tensor loss = SoftLosses.Classes(student, [Of(impossible)], 1, 4);
        loss.backward();
        Assert.Equal(Divergence(Student, 4, impossible), loss.item<double>(), 1e-12);
        Assert.True(student.grad!.isfinite().all().item<bool>());
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(4, false)]
    [InlineData(4, true)]
    public void Answers_equal_the_formula(double temperature, bool two)
    {
        double[][] teachers = two ? [First, Second] : [First];
        double sum = 0;
        for (int i = 0; i < Student.Length; i++)
        {
            double p = teachers.Average(t => 1 / (1 + Math.Exp(-t[i] / temperature))), q = 1 / (1 + Math.Exp(-Student[i] / temperature));
            sum += p * Math.Log(p / q) + (1 - p) * Math.Log((1 - p) / (1 - q));
        }
        using Tensor loss = SoftLosses.Answers(Of(Student), [.. teachers.Select(Of)], temperature);
        Assert.Equal(temperature * temperature * sum / Student.Length, loss.item<double>(), 1e-12);
    }

    [Fact]
    public void Values_are_compared_with_the_mean_of_the_teachers()
    {
        using Tensor loss = SoftLosses.Values(Of(Student), [Of(First), Of(Second)]);
        Assert.Equal(Student.Select((x, i) => Math.Pow(x - (First[i] + Second[i]) / 2, 2)).Average(), loss.item<double>(), 1e-12);
    }

    private static Tensor Of(double[] values) => tensor(values, [Samples, Classes]);

    private static double Divergence(double[] student, double temperature, params double[][] teachers)
    {
        double sum = 0;
        for (int i = 0; i < Samples; i++)
        {
            double[] q = Shares(student, i, temperature);
            double[][] p = [.. teachers.Select(t => Shares(t, i, temperature))];
            for (int k = 0; k < Classes; k++)
            {
                double mean = p.Average(s => s[k]);
                sum += mean > 0 ? mean * Math.Log(mean / q[k]) : 0;
            }
        }
        return temperature * temperature * sum / Samples;
    }

    private static double[] Shares(double[] logits, int sample, double temperature)
    {
        double[] powers = [.. logits.Skip(sample * Classes).Take(Classes).Select(z => Math.Exp(z / temperature))];
        return [.. powers.Select(x => x / powers.Sum())];
    }
}
