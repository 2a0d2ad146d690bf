using Tersor.Tables;

return Run(args, Console.Out);

static int Run(string[] arguments, TextWriter output) => arguments switch
{
    ["conformance", .. string[] rest] => Conformance.Run(rest, output),
    ["models", .. string[] rest] => RealModels.Run(rest, output),
    ["architectures", .. string[] rest] => PublishedNetworks.Table(rest, output),
    ["operators", .. string[] rest] => PublishedNetworks.Operators(rest, output),
    ["calibration", .. string[] rest] => Calibration.Run(rest, output),
    ["repair", .. string[] rest] => Repairs.Run(rest, output),
    ["agreement", .. string[] rest] => Agreement.Run(rest, output),
    ["docs", .. string[] rest] => Documents.Run(rest, Run, output),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Usage: Tersor.Tables conformance [--part N] [--of N]   read, write, run and optimize every shared model");
    Console.Error.WriteLine("       Tersor.Tables models [NAME ...]              optimize and quantize the real models: size, accuracy, latency");
    Console.Error.WriteLine("       Tersor.Tables architectures [NAME ...] [--rounds N]   quantize published networks with seeded weights: size, fidelity, latency, beside plain quantization");
    Console.Error.WriteLine("       Tersor.Tables operators NAME                 time by operator in such a network, in float and in 8 bits, and what stays float");
    Console.Error.WriteLine("       Tersor.Tables calibration [NAME]             what learning ranges costs: CPU seconds by step, peak memory");
    Console.Error.WriteLine("       Tersor.Tables repair [NAME] [--layers]       quantize weights with one scale a tensor and repair step by step: accuracy after each");
    Console.Error.WriteLine("       Tersor.Tables agreement [NAME ...] [--forms F,F] [--file TABLE]   whether the engine computes what quantized files say; forms: everything, every second, default");
    Console.Error.WriteLine("       Tersor.Tables docs [COMMAND ...]             make the tables of docs/measurements.md anew, all or those of a command");
    return 2;
}
