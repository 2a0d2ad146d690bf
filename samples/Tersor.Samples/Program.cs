using Tersor.Samples;

// The samples of docs/library.md, on a model file of your own: dotnet run --project samples/Tersor.Samples -- model.onnx folder
if (args is not [var model, var folder])
{
    Console.Error.WriteLine("Usage: Tersor.Samples model.onnx folder");
    return 2;
}
Console.WriteLine($"Weights: {Editing.CountWeights(model)}");
Console.WriteLine($"Dropouts removed: {Editing.RemoveDropout(model, Path.Combine(folder, "no-dropout.onnx"))}");
Running.RunOnce(Path.Combine(folder, "no-dropout.onnx"));
Console.WriteLine($"Outputs: {LoadingElsewhere.CountOutputs(model)}");
return 0;
