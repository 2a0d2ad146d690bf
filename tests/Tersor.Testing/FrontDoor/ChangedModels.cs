using Google.Protobuf;
using Tersor.Onnx;
using Tersor.Onnx.Protos;

namespace Tersor.Testing.FrontDoor;

/// <summary>Models that can be read, and break the rules of their operators: what is met where no engine was asked.</summary>
public static class ChangedModels
{
    /// <summary>The tiny networks, each changed in 1 to 3 places; the same seed gives the same ones.</summary>
    public static IEnumerable<(string Changes, Model Model)> Draw(int seed, int count)
    {
        Draw draw = new(seed);
        (string Name, byte[] File)[] networks = [.. SeedNetworks.All().Select(n => (n.Name, n.Model.ToBytes()))];
        for (int made = 0; made < count;)
        {
            (string name, byte[] file) = draw.Pick(networks);
            ModelProto model = ModelProto.Parser.ParseFrom(file);
            string[] done = [.. Enumerable.Range(0, draw.Pick([1, 1, 2, 3])).Select(_ => new ModelMutator(draw).Mutate(model))];
            if (Read(model) is not { } read)
                continue;
            made++;
            yield return ($"{name}: {string.Join("; ", done)}", read);
        }
    }

    private static Model? Read(ModelProto model)
    {
        try
        {
            return Model.Load(new MemoryStream(model.ToByteArray()));
        }
        catch (OnnxException)
        {
            return null;
        }
    }
}
