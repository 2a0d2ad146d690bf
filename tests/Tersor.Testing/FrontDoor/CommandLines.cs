namespace Tersor.Testing.FrontDoor;

/// <summary>A command with typical options. Of <c>[a|b|]</c> one is drawn; names in braces are the files of a case.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Line">Its arguments.</param>
internal sealed record CommandTemplate(string Name, string Line)
{
    /// <summary>The same word for all ways to give a command.</summary>
    public string Command => Line.Split(' ')[0];

    public bool Uses(string file) => Line.Contains($"{{{file}}}", StringComparison.Ordinal);

    /// <summary>The arguments with one of each choice and the files' names.</summary>
    public string[] Arguments(Draw draw, IReadOnlyDictionary<string, string> files)
    {
        string line = Line;
        for (int open = line.IndexOf('['); open >= 0; open = line.IndexOf('['))
        {
            int close = line.IndexOf(']', open);
            line = line[..open] + draw.Pick(line[(open + 1)..close].Split('|')) + line[(close + 1)..];
        }
        return [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word.StartsWith('{') ? files[word[1..^1]] : word)];
    }
}

/// <summary>Every command of the tool, small enough for seconds.</summary>
internal static class CommandLines
{
    private const string Common = "[||--json] [|||||--inputs-are-constants|--trust-links]";
    private const string Written = "--rounds 0 [||||--no-optimize|--standard-ops|--external-data always|--keep-float *head*]";
    private const string Search = $"{Written} --calibration-samples 6 --sensitivity-samples 2 --selection-samples 4 --time 4s [|||--no-cache]";
    private const string Steps = "--steps [1|3|5] --batch [2|4|8] --time 10s";

    public static IReadOnlyList<CommandTemplate> All { get; } =
    [
        new("inspect", $"inspect {{model}} [|--layers|--roles|--dim N=2|--input-shape x=2x4] {Common}"),
        new("optimize", $"optimize {{model}} -o {{output}} [|--level engine|--with pad-channels|--with inline-functions|--without fold-constants|--unverified|--external-data always] [|||--dim N=1|--input-shape x=2x4] [||--data {{data}}] {Common}"),
        new("quantize weights", $"quantize {{model}} -o {{output}} --mode weights {Written} [||--data {{data}}] [|--weight-bits 8] {Common}"),
        new("quantize dynamic", $"quantize {{model}} -o {{output}} --mode dynamic {Written} [||--data {{data}}] [|--target arm64|--target x64avx2] {Common}"),
        new("quantize static", $"quantize {{model}} -o {{output}} --mode static --data {{data}} {Search} [--allow-slower|--allow-slower|--allow-slower --no-stored-weights|] [|||--ranges min-max|--ranges entropy|--ranges mse|--ranges percentile|--ranges moving-average] [||--per-tensor|--weight-bits 4|--activations int8|--activations uint16|--symmetric-activations|--target arm64] [|--save-ranges {{newranges}}|--report {{report}}|--no-plan|--repair none|--repair equalize|--repair bias|--repair round|--keep-float *|--dry-run] {Common}"),
        new("quantize auto", $"quantize {{model}} -o {{output}} --data {{data}} {Search} [||--max-drop 1|--min-cosine 0.5|--min-sqnr 1|--metric top-1|--min-agreement 0.1] {Common}"),
        new("quantize plan", $"quantize {{model}} -o {{output}} --data {{data}} --rounds 0 --plan {{plan}} [||--no-optimize|--report {{report}}] {Common}"),
        new("quantize ranges", $"quantize {{model}} -o {{output}} --data {{data}} --mode static --allow-slower {Search} --use-ranges {{ranges}} {Common}"),
        new("quantize train", $"quantize {{model}} -o {{output}} --data {{data}} --train --rounds 0 --calibration-samples 6 {Steps} [|--weight-bits 2|--weight-bits 4|--labels|--fixed-scales|--allow-slower|--activations uint4] {Common}"),
        new("train", $"train {{model}} -o {{output}} --data {{data}} {Steps} [||||--loss mse|--loss cross-entropy|--loss ctc|--label-smoothing 0.1] [|||--optimizer sgd|--schedule step|--schedule cosine --warm-up 1|--accumulate 2|--average 0.9] [||||--flip 0.5 --crop 1|--erase 0.2|--noise 0.1|--batch-normalization freeze] [||--freeze *|--freeze w*|--reinitialize|--keep-last|--patience 1] {Common}"),
        new("train checkpoint", $"train {{model}} -o {{output}} --data {{data}} --steps 5 --batch 4 --checkpoint {{checkpoint}} [||--report {{report}}] {Common}"),
        new("distill", $"distill {{model}} -o {{output}} --teacher {{second}} --data {{data}} {Steps} [||--temperature 2|--alpha 0.5 --alpha-end 0|--soft-loss values|--soft-loss classes|--feature y=y|--attention y=y] {Common}"),
        new("distill made", $"distill {{model}} -o {{output}} [--shallow 0.5|--narrow 0.5|--narrow 0.6 --narrow 0.3|--shallow 0.5 --narrow 0.5|--shallow 0] --data {{data}} {Steps} {Common}"),
        new("eval", $"eval {{model}} --data {{data}} [||--metric top-1|--metric cosine|--metric mse|--metric auc|--metric cross-entropy|--metric psnr] [||--reference {{second}}|--reference {{second}} --metric sqnr --metric top-1-agreement] [||--limit 3] {Common}"),
        new("compare", $"compare {{model}} {{second}} --rounds [1|2] [||--data {{data}}] [|||||--dim N=2] {Common}"),
        new("bench", $"bench {{model}} {{second}} --rounds 2 [|--no-memory|--no-memory|--dim N=2|--input-shape x=1x4] [||--data {{data}}] {Common}"),
    ];
}
