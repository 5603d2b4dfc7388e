namespace R1Grains.LoadTests.Fuzz;

/// <summary>Makes of bytes that are well formed some that are nearly so.</summary>
internal static class Mutations
{
    private const int BytesMax = 4_096;

    /// <summary>One in four is bytes by chance, the others are the given ones with a few changes, or none: only what is right in most parts comes further than the door.</summary>
    public static byte[] Of(byte[] bytes, Random random)
    {
        if (bytes.Length == 0 || random.Next(4) == 0) return Chance(random, random.Next(200));
        var mutated = new List<byte>(bytes);
        for (var changes = random.Next(4); changes > 0 && mutated.Count > 0; changes--)
        {
            var at = random.Next(mutated.Count);
            switch (random.Next(8))
            {
                case 0: mutated[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: mutated[at] = (byte)random.Next(256); break;
                case 2: mutated.Insert(at, (byte)random.Next(256)); break;
                case 3: mutated.RemoveAt(at); break;
                // What says how long something is lies.
                case 4: mutated[at] = 0xff; break;
                case 5: mutated.RemoveRange(at, mutated.Count - at); break;
                case 6 when mutated.Count < BytesMax: mutated.InsertRange(at, mutated.GetRange(0, random.Next(mutated.Count))); break;
                default: mutated.AddRange(Chance(random, random.Next(20))); break;
            }
        }
        return [.. mutated];
    }

    private static byte[] Chance(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
