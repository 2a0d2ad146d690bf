using Tersor.Data.Preprocessing;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>Feeds a record of an array: through the preprocessing when it is an 8-bit image and steps are declared, as it is otherwise.</summary>
internal sealed class ArrayInput(string input, string source, Preprocessor preprocessor, bool hasSteps)
{
    public IReadOnlyDictionary<string, Tensor> Step(Tensor record, int index) => new Dictionary<string, Tensor> { [input] = hasSteps ? Preprocessed(record, index) : record };

    private Tensor Preprocessed(Tensor record, int index)
    {
        if (record.Type != ElementType.UInt8 || record.Rank is not (3 or 4) || (record.Rank == 4 && record.Shape[3] is not (1 or 3)))
        {
            throw new DataException($"Record {index} of '{source}' is {record}; preprocessing takes UInt8 [1,height,width], [1,height,width,1] or [1,height,width,3]. "
                + "Remove 'preprocess' to feed it as it is.");
        }
        PixelImage image = new((int)record.Shape[2], (int)record.Shape[1], record.Rank == 4 ? (int)record.Shape[3] : 1, record.Bytes.ToArray());
        return preprocessor.Run(image, $"Record {index} of '{source}'").Tensor;
    }
}
