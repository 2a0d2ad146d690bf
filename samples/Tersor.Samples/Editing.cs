using Tersor.Onnx;

namespace Tersor.Samples;

/// <summary>Reading, editing and writing a model.</summary>
public static class Editing
{
    public static long CountWeights(string path)
    {
        #region count
        Model model = Model.Load(path);
        long weights = 0;
        foreach (Graph graph in model.AllGraphs()) // the main graph, bodies of If and Loop, functions
        {
            foreach (Value value in graph.Initializers)
                weights += value.Tensor?.Length ?? 0;
        }
        #endregion
        return weights;
    }

    public static int RemoveDropout(string path, string output)
    {
        #region edit
        Model model = Model.Load(path);
        int removed = 0;
        foreach (Node node in model.AllNodes().Where(n => n.Is("Dropout") && n.Outputs.Count == 1))
        {
            node.Outputs[0]!.ReplaceAllUsesWith(node.Inputs[0]!); // nodes, nested bodies and graph outputs follow
            node.Remove();
            removed++;
        }
        model.Save(output); // complete under this name, or not there at all
        #endregion
        return removed;
    }
}
