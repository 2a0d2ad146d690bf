using Tersor.Testing;
using Tersor.TrainingTables;

// Tables of training. Long runs: each goes on where it was stopped.
if (SharedFiles.Root is null)
{
    Console.WriteLine(SharedFiles.Reason);
    return 1;
}
return args switch
{
    ["scratch", .. var networks] => FromScratch.Run(networks, Console.Out),
    ["quantized", .. var networks] => QuantizationAware.Run(networks, Console.Out),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Usage: Tersor.TrainingTables scratch [network ...] | quantized [network ...] [bits ...]");
    return 2;
}
