using Tersor.Tables;

return args switch
{
    ["conformance", .. string[] rest] => Conformance.Run(rest, Console.Out),
    ["models", .. string[] rest] => RealModels.Run(rest, Console.Out),
    ["architectures", .. string[] rest] => PublishedNetworks.Table(rest, Console.Out),
    ["operators", .. string[] rest] => PublishedNetworks.Operators(rest, Console.Out),
    ["repair", .. string[] rest] => Repairs.Run(rest, Console.Out),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Usage: Tersor.Tables conformance [--part N] [--of N]   read, write, run and optimize every shared model");
    Console.Error.WriteLine("       Tersor.Tables models [NAME ...]              optimize and quantize the real models: size, accuracy, latency");
    Console.Error.WriteLine("       Tersor.Tables architectures [NAME ...] [--rounds N]   quantize published networks with seeded weights: size, fidelity, latency, beside plain quantization");
    Console.Error.WriteLine("       Tersor.Tables operators NAME                 time by operator in such a network, in float and in 8 bits, and what stays float");
    Console.Error.WriteLine("       Tersor.Tables repair [NAME] [--layers]       quantize weights with one scale a tensor and repair step by step: accuracy after each");
    return 2;
}
