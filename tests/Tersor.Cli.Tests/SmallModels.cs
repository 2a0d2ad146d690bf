using Tersor.Onnx;

namespace Tersor.Cli.Tests;

/// <summary>The smallest models that show the point.</summary>
internal static class SmallModels
{
    /// <summary>input [N,2] → MatMul [2,3] → Relu → output, with one weight of 6 numbers.</summary>
    public static Model Dense()
    {
        Model model = new(opset: 21, irVersion: 10) { ProducerName = "test" };
        Value input = model.Graph.AddInput("input", OnnxType.Of(ElementType.Float32, "N", 2));
        Value weight = model.Graph.AddInitializer("weight", Tensor.Create([2, 3], new float[] { 1, -2, 3, -4, 5, -6 }));
        Node product = model.Graph.AddNode("MatMul", [input, weight], ["product"], name: "dense");
        Node relu = model.Graph.AddNode("Relu", [product.Outputs[0]], ["output"], name: "relu");
        relu.Outputs[0]!.Type = OnnxType.Of(ElementType.Float32, "N", 3);
        model.Graph.AddOutput(relu.Outputs[0]!);
        return model;
    }

    /// <summary>Its weight in an If's branch instead of the main graph.</summary>
    public static Model DenseInBranch()
    {
        Model model = new(opset: 21, irVersion: 10);
        Value condition = model.Graph.AddInput("condition", OnnxType.Of(ElementType.Bool));
        Value input = model.Graph.AddInput("input", OnnxType.Of(ElementType.Float32, 1, 2));
        Graph yes = model.Graph.NewBody("yes"), no = model.Graph.NewBody("no");
        yes.AddOutput(yes.AddNode("MatMul", [input, yes.AddInitializer("weight", Tensor.Create([2, 2], new float[] { 1, 2, 3, 4 }))], ["yes_output"], name: "dense").Outputs[0]!);
        no.AddOutput(no.AddNode("Identity", [input], ["no_output"], name: "same").Outputs[0]!);
        Node branch = model.Graph.AddNode("If", [condition], ["output"], name: "choose", attributes: [new("then_branch", yes), new("else_branch", no)]);
        branch.Outputs[0]!.Type = OnnxType.Of(ElementType.Float32, 1, 2);
        model.Graph.AddOutput(branch.Outputs[0]!);
        return model;
    }

    /// <summary>The same as <see cref="Dense"/> with an Identity in between.</summary>
    public static Model WithIdentity()
    {
        Model model = Dense();
        Node relu = model.Graph.Nodes.Last();
        Node same = model.Graph.InsertBefore(relu, "Identity", [relu.Inputs[0]], ["same"]);
        relu.SetInput(0, same.Outputs[0]);
        return model;
    }

    /// <summary>input [N,2] → output [N,2], the same numbers: as scores of two classes they pick the larger.</summary>
    public static Model Classifier(string name = "input")
    {
        Model model = new(opset: 21, irVersion: 10);
        Value input = model.Graph.AddInput(name, OnnxType.Of(ElementType.Float32, "N", 2));
        Value weight = model.Graph.AddInitializer("weight", Tensor.Create([2, 2], new float[] { 1, 0, 0, 1 }));
        Value output = model.Graph.AddNode("MatMul", [input, weight], ["output"], name: "dense").Outputs[0]!;
        output.Type = OnnxType.Of(ElementType.Float32, "N", 2);
        model.Graph.AddOutput(output);
        return model;
    }

    /// <summary>One MatMul with 128 · 128 weights.</summary>
    public static Model LargeDense()
    {
        Model model = new(opset: 21, irVersion: 10);
        Random random = new(1);
        Value input = model.Graph.AddInput("input", OnnxType.Of(ElementType.Float32, "N", 128));
        Value weight = model.Graph.AddInitializer("weight", Tensor.Create([128, 128], Enumerable.Range(0, 128 * 128).Select(_ => random.NextSingle() - 0.5f).ToArray()));
        Value output = model.Graph.AddNode("MatMul", [input, weight], ["output"], name: "dense").Outputs[0]!;
        output.Type = OnnxType.Of(ElementType.Float32, "N", 128);
        model.Graph.AddOutput(output);
        return model;
    }
}
