using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Training;

// The sample of docs/training.md, on a model and data of your own: dotnet run --project samples/Tersor.Samples.Training -- model.onnx data.yaml trained.onnx
if (args is not [var path, var description, var output])
{
    Console.Error.WriteLine("Usage: Tersor.Samples.Training model.onnx data.yaml trained.onnx");
    return 2;
}
#region train
Model model = Model.Load(path);
OpenedData data = DataSetFactory.Open(description, ModelInput.Of(model), split: "train");
OpenedData held = DataSetFactory.Open(description, ModelInput.Of(model), split: "validation");
TrainingSettings settings = new() { Epochs = 3, LearningRate = 1e-4, Loss = new TrainingLoss.CrossEntropy(LabelSmoothing: 0.05), Augmentation = new() { Flip = 0.5 } };
TrainingResult result = new Trainer(new(model, data.DataSet, settings) { Validation = held.DataSet, Metric = () => held.CreateMetrics()[0] }).Run();
foreach (TrainingEpoch epoch in result.History)
    Console.WriteLine($"epoch {epoch.Epoch}: loss {epoch.Loss:0.0000}, {result.MetricName} {epoch.Validation:0.0000}");
result.Model.Save(output);
#endregion
return 0;
