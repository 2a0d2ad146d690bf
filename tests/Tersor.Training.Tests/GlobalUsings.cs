// Two libraries call it Tensor. Here, what computes has the short name.
global using OnnxTensor = Tersor.Onnx.Tensor;
global using Tensor = TorchSharp.torch.Tensor;
global using TrainingException = Tersor.Compression.Training.TrainingException;
