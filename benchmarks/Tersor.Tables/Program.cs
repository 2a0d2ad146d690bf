using Tersor.Tables;

return args switch
{
    ["conformance", .. string[] rest] => Conformance.Run(rest, Console.Out),
    ["models", .. string[] rest] => RealModels.Run(rest, Console.Out),
    ["repair", .. string[] rest] => Repairs.Run(rest, Console.Out),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Usage: Tersor.Tables conformance [--part N] [--of N]   read, write, run and optimize every shared model");
    Console.Error.WriteLine("       Tersor.Tables models [NAME ...]              optimize and quantize the real models: size, accuracy, latency");
    Console.Error.WriteLine("       Tersor.Tables repair [NAME] [--layers]       quantize weights with one scale a tensor and repair step by step: accuracy after each");
    return 2;
}
