using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Data.Descriptions;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.TrainingTables;

/// <summary>The reference classifiers: their data, the recipe they were made with, and what they reached.</summary>
internal static class FashionMnist
{
    /// <summary>Name, epochs, seeds, and test accuracy of the model as it was made.</summary>
    public static readonly (string Name, int Epochs, int Seeds, double Accuracy)[] Networks =
    [
        ("fmnist_lenet300", 8, 3, 0.8944), ("fmnist_lenet5", 8, 3, 0.9217), ("fmnist_cnn", 8, 3, 0.9181), ("fmnist_resnet", 7, 1, 0.9305),
        ("fmnist_mobilenet", 8, 1, 0.9204), ("fmnist_vit", 8, 1, 0.8955), ("fmnist_lstm", 3, 1, 0.8697),
    ];

    /// <summary>The model file.</summary>
    public static Model Load(string name) => Model.Load(SharedFiles.At("models", $"{name}.onnx"));

    /// <summary>All 60,000 training images, or the 10,000 test images.</summary>
    public static OpenedData Data(Model model, bool test)
    {
        DataDescription description = DataSetFactory.ReadDescription(Path.Combine(SharedFiles.Repository, "samples", "data", "fmnist.yaml"));
        SplitDescription all = description.Splits["train"] with { Part = null };
        return DataSetFactory.Open(description with { Splits = new Dictionary<string, SplitDescription>(description.Splits) { ["all"] = all } }, ".", ModelInput.Of(model), test ? "test" : "all");
    }

    /// <summary>The recipe.</summary>
    public static TrainingSettings Recipe(string name, int epochs) => new()
    {
        Epochs = epochs,
        BatchSize = 128,
        LearningRate = name is "fmnist_vit" or "fmnist_lstm" ? 1e-3 : 2e-3,
        WeightDecay = 0.02,
        ClipNorm = 1,
        Loss = new TrainingLoss.CrossEntropy(name is "fmnist_lenet300" or "fmnist_lenet5" ? 0 : 0.05),
        Augmentation = new() { Flip = name is "fmnist_lenet300" or "fmnist_lenet5" ? 0 : 0.5 },
        KeepBest = false,
        Reinitialize = true,
    };
}
