using Tersor.Onnx.Protos;

namespace Tersor.Testing.FrontDoor;

/// <summary>One way to change a model: what it does in words, or null where the model has nothing of the kind.</summary>
internal delegate string? ModelChange(ModelProto model, Draw draw);

/// <summary>Changes a model through its objects, so that the damage gets past the parser: types, constants, attributes, nodes, links, names, versions.</summary>
internal sealed class ModelMutator(Draw draw)
{
    private static readonly ModelChange[][] Families = [TypeChanges.All, TensorChanges.All, AttributeChanges.All, NodeChanges.All, NodeChanges.All, LinkChanges.All, NameChanges.All, ModelChanges.All, LargeChanges.All];

    /// <summary>After these a model mostly still runs, so that what comes behind loading it is reached.</summary>
    private static readonly ModelChange[] Mild =
    [
        TensorChanges.Elements, TensorChanges.Elements, TensorChanges.Shared, NameChanges.Value, NameChanges.Node, NodeChanges.Branch, NodeChanges.Insert, NodeChanges.Insert, NodeChanges.Constant, ModelChanges.Function, ModelChanges.Opset, LinkChanges.Listed,
        LinkChanges.GiveOut, TypeChanges.Symbol, TypeChanges.NoShape, TypeChanges.NoType,
    ];

    /// <summary>Changes a model in one place.</summary>
    /// <returns>What was done.</returns>
    public string Mutate(ModelProto model)
    {
        for (int tries = 0; tries < 50; tries++)
        {
            if (draw.Pick(draw.OneIn(2) ? Mild : draw.Pick(Families))(model, draw) is { } done)
                return done;
        }
        return "nothing";
    }
}
