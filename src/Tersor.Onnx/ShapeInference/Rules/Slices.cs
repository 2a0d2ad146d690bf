namespace Tersor.Onnx.Inference.Rules;

/// <summary>Parts of tensors, tensors of parts, and tensors made larger or smaller along axes.</summary>
internal static class Slices
{
    public static void Concat(NodeFacts n)
    {
        Dimension[]?[] shapes = [.. Enumerable.Range(0, n.InputCount).Select(n.Shape)];
        Dimension[]? content = null;
        if (shapes.All(s => s?.Length == 1) && Enumerable.Range(0, n.InputCount).All(i => n.Content(i) is not null))
            content = [.. Enumerable.Range(0, n.InputCount).SelectMany(i => n.Content(i)!)];
        else if (shapes.All(s => s is [{ Size: <= 64 }]) && n.Element(0) is ElementType.Int64 or ElementType.Int32)
            content = [.. Enumerable.Range(0, n.InputCount).SelectMany(i => n.Content(i) ?? Dims.Of((int)shapes[i]![0].Size!))]; // partly known is better than nothing
        ElementType element = Enumerable.Range(0, n.InputCount).Select(n.Element).FirstOrDefault(e => e != ElementType.Undefined);
        n.Set(0, element, Concatenated(shapes, n.Int("axis", n.Version < 4 ? 1 : 0)), content?.Length <= 256 ? content : null);
    }

    public static Dimension[]? Concatenated(Dimension[]?[] shapes, long axis)
    {
        if (shapes.FirstOrDefault(s => s is not null) is not { } some)
            return null;
        int at = Dims.Axis(axis, some.Length);
        Dimension[] result = [.. some];
        result[at] = 0;
        foreach (Dimension[]? shape in shapes)
        {
            if (shape is not null && shape.Length != some.Length)
                return null;
            for (int i = 0; i < result.Length; i++)
            {
                if (i == at)
                    result[i] = shape is null || result[i] is { Size: null, Symbol: null } ? Dims.Unknown : Dims.Add(result[i], shape[i]);
                else if (shape is not null && result[i].Size is null && (shape[i].Size is not null || result[i].Symbol is null))
                    result[i] = shape[i];
            }
        }
        return result;
    }

    public static void Slice(NodeFacts n)
    {
        if (n.Shape(0) is not { } x)
        {
            n.Set(0, n.Element(0), null);
            return;
        }
        bool old = n.Version < 10;
        Dimension[]? starts = old ? Literal(n.Ints("starts")) : n.Content(1), ends = old ? Literal(n.Ints("ends")) : n.Content(2);
        long[]? axes = old ? n.Ints("axes") : n.Known(3), steps = n.Known(4);
        bool axesAbsent = old ? axes is null : !n.Has(3);
        int count = starts?.Length ?? ends?.Length ?? (int?)n.Shape(1)?.FirstOrDefault().Size ?? -1;
        if (axesAbsent && count >= 0)
            axes = [.. Enumerable.Range(0, count).Select(i => (long)i)];
        if (axes is null)
        {
            n.Set(0, n.Element(0), Dims.Of(x.Length));
            return;
        }
        Dimension[] result = [.. x];
        Dimension[]? content = x.Length == 1 ? n.Content(0) : null;
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = Dims.Axis(axes[i], x.Length);
            long? step = !n.Has(4) ? 1 : steps?[i];
            Dimension start = starts?[i] ?? Dims.Unknown, end = ends?[i] ?? Dims.Unknown;
            result[axis] = Dims.Unknown;
            if (step is null or 0 || content?.Length != 0 && content is not null && x[0].Size is null)
                content = null;
            if (step is null or 0)
                continue;
            if (step == 1 && start.Size == 0 && (end.Size >= int.MaxValue || (end.Size is null && Dims.Same(end, x[axis]))))
            {
                result[axis] = x[axis]; // all of it, however long
                continue;
            }
            if (step == 1 && start.Size == 0 && end.Size is null && end.Symbol is not null && x[axis].Size is null)
            {
                content = null;
                continue;
            }
            if (start.Size is { } from && end.Size is { } to && x[axis].Size is { } size)
            {
                from = Math.Clamp(from < 0 ? from + size : from, 0, step > 0 ? size : size - 1);
                to = Math.Clamp(to < 0 ? Math.Max(to + size, step > 0 ? 0 : -1) : to, step > 0 ? 0 : -1, size);
                long length = Math.Max(0, step > 0 ? Dims.CeilDiv(to - from, step.Value) : Dims.CeilDiv(from - to, -step.Value));
                result[axis] = length;
                content = content is not null ? [.. Enumerable.Range(0, (int)length).Select(k => content[(int)(from + k * step.Value)])] : null;
                continue;
            }
            content = null;
        }
        n.Set(0, n.Element(0), result, content);

        static Dimension[]? Literal(long[]? values) => values is null ? null : [.. values.Select(v => (Dimension)v)];
    }

    public static void Split(NodeFacts n)
    {
        Dimension[]? x = n.Shape(0), content = x?.Length == 1 ? n.Content(0) : null;
        bool given = n.IntsFrom("split", 1, out long[]? sizes);
        int axis = x is null ? 0 : Dims.Axis(n.Int("axis", 0), x.Length);
        long parts = n.Int("num_outputs", n.OutputCount), offset = 0;
        for (int i = 0; i < n.OutputCount; i++)
        {
            Dimension[]? part = x is null ? null : [.. x];
            if (part is not null)
            {
                part[axis] = given ? sizes?[i] ?? Dims.Unknown : Equal(part[axis], i);
            }
            Dimension[]? elements = null;
            if (content is not null && part![axis].Size is { } length)
            {
                elements = content[(int)offset..(int)(offset + length)];
                offset += length;
            }
            else
            {
                content = null;
            }
            n.Set(i, n.Element(0), part, elements);
        }

        Dimension Equal(Dimension whole, int i)
        {
            if (parts == 1)
                return whole;
            if (whole.Size is not { } size)
                return Dims.Unknown;
            long chunk = Dims.CeilDiv(size, parts); // the last one takes what is left
            return Math.Max(0, Math.Min(chunk, size - i * chunk));
        }
    }

    public static void Pad(NodeFacts n)
    {
        Dimension[]? result = null;
        if (n.Shape(0) is { } x)
        {
            long[]? pads = n.Version < 2 ? n.Ints("paddings") : n.Version < 11 ? n.Ints("pads") : n.Known(1);
            long[]? axes = n.Has(3) ? n.Known(3) : [.. Enumerable.Range(0, x.Length).Select(i => (long)i)];
            result = axes is null ? Dims.Of(x.Length) : [.. x];
            for (int i = 0; axes is not null && i < axes.Length; i++)
            {
                int axis = Dims.Axis(axes[i], x.Length);
                result[axis] = pads is null ? Dims.Unknown : Dims.Add(result[axis], pads[i] + pads[i + axes.Length]);
            }
        }
        n.Set(0, n.Element(0), result);
    }

    public static void Resize(NodeFacts n)
    {
        if (n.Shape(0) is not { } x)
        {
            n.Set(0, n.Element(0), n.Shape(3) is [{ Size: { } rank and <= 64 }] && n.Version < 18 ? Dims.Of((int)rank) : null);
            return;
        }
        bool upsample = n.Node.OpType == "Upsample" || n.Version < 11;
        float[]? scales = n.AttributeFloats("scales") ?? n.Floats(upsample ? 1 : 2);
        Dimension[]? sizes = upsample ? null : n.Content(3);
        long[] axes = n.Ints("axes") ?? [.. Enumerable.Range(0, x.Length).Select(i => (long)i)];
        bool keepsAspect = n.Text("keep_aspect_ratio_policy") is not (null or "stretch"), crops = n.Text("coordinate_transformation_mode") == "tf_crop_and_resize";
        Dimension[] result = [.. x];
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = Dims.Axis(axes[i], x.Length);
            result[axis] = n.Has(3) && !upsample ? keepsAspect ? Dims.Unknown : sizes?[i] ?? Dims.Unknown
                : scales is null || scales.Length != axes.Length || (crops && scales[i] != 1) ? Dims.Unknown
                : scales[i] == 1 ? x[axis]
                : x[axis].Size is { } size ? (long)MathF.Floor(size * scales[i]) : Dims.Unknown;
        }
        n.Set(0, n.Element(0), result);
    }

    public static void CenterCropPad(NodeFacts n)
    {
        Dimension[]? result = null;
        if (n.Shape(0) is { } x)
        {
            long[] axes = n.Ints("axes") ?? [.. Enumerable.Range(0, x.Length).Select(i => (long)i)];
            Dimension[] target = n.Content(1) ?? Dims.Of(axes.Length);
            result = [.. x];
            for (int i = 0; i < axes.Length; i++)
                result[Dims.Axis(axes[i], x.Length)] = target[i];
        }
        n.Set(0, n.Element(0), result);
    }
}
