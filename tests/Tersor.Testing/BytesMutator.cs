namespace Tersor.Testing;

/// <summary>Changes a file's bytes wherever they are: bits flipped, pieces moved, cut off, lengths exaggerated.</summary>
internal sealed class BytesMutator(Random random)
{
    /// <summary>The content with 1 to 4 changes; pieces may come from <paramref name="others"/>.</summary>
    public byte[] Mutate(byte[] content, params byte[][] others)
    {
        List<byte> file = [.. content];
        for (int i = random.Next(1, 5); i > 0 && file.Count > 0; i--)
        {
            int at = random.Next(file.Count);
            switch (random.Next(8))
            {
                case 0:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    file[at] = (byte)random.Next(256);
                    break;
                case 2: // a piece of the same file, elsewhere
                    file.InsertRange(random.Next(file.Count), file.GetRange(at, Math.Min(random.Next(1, 64), file.Count - at)));
                    break;
                case 3: // a piece of another file
                    byte[] other = others.Length > 0 ? others[random.Next(others.Length)] : content;
                    int from = random.Next(other.Length);
                    file.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(1, 200))]);
                    break;
                case 4:
                    file.RemoveRange(at, Math.Min(random.Next(1, 32), file.Count - at));
                    break;
                case 5: // cut off
                    if (random.Next(4) == 0)
                        file.RemoveRange(at, file.Count - at);
                    break;
                case 6: // a number, often a length: near itself, or extreme
                    file[at] = (byte)(random.Next(2) == 0 ? file[at] + random.Next(-3, 4) : new[] { 0, 0x7F, 0x80, 0xFF }[random.Next(4)]);
                    break;
                default: // several bytes of a long number
                    for (int k = at; k < Math.Min(file.Count, at + random.Next(1, 11)); k++)
                        file[k] = 0xFF;
                    break;
            }
        }
        return [.. file];
    }
}
