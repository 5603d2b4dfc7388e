using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Tree;

/// <summary>Which keys may have signed what in a record: those that were handed out, and those to which its rotations lead from them.</summary>
public sealed class SigningKeys : IDisposable
{
    private readonly IReadOnlyList<NoteKey> _given;
    private readonly List<(NoteKey Key, SigningEnd? End)> _known;

    /// <summary>To which all rotations lead; null where they do not come by any that was given.</summary>
    private readonly NoteKey? _last;

    private SigningKeys(IReadOnlyList<NoteKey> given, List<(NoteKey Key, SigningEnd? End)> known, NoteKey? last) => (_given, _known, _last) = (given, known, last);

    /// <summary>None: nothing is asked of signatures.</summary>
    public static SigningKeys None { get; } = new([], [], null);

    public bool IsEmpty => _known.Count == 0;

    /// <summary>Ids, those that were handed out first.</summary>
    public IReadOnlyList<uint> Ids => [.. _known.Select(known => known.Key.Id)];

    /// <param name="given">Handed out by whoever runs the record. They are not disposed of.</param>
    /// <param name="rotations">As the record has them, in the order of their versions.</param>
    /// <exception cref="InvalidDataException">One is missing, or goes on from another key than the one before led to.</exception>
    public static SigningKeys Follow(IReadOnlyList<NoteKey> given, IReadOnlyList<SigningRotation> rotations)
    {
        for (var i = 0; i < rotations.Count; i++)
        {
            if (rotations[i].Version != i + SigningRotation.FirstVersion)
                throw new InvalidDataException($"the {SigningRotation.Kind} '{i + SigningRotation.FirstVersion}' is missing");
            if (i > 0 && !rotations[i].Before.AsSpan().SequenceEqual(rotations[i - 1].After))
                throw new InvalidDataException($"the {SigningRotation.Kind} '{i + SigningRotation.FirstVersion}' goes on from another key than the one that was in force");
        }
        List<(NoteKey Key, SigningEnd? End)> known = [.. given.Select(key => (key, rotations.FirstOrDefault(rotation => key.Is(rotation.Before))?.End))];
        // Each of them vouches for its neighbours, so one that is known makes all known.
        if (given.Any(key => rotations.Any(rotation => key.Is(rotation.Before) || key.Is(rotation.After))))
        {
            foreach (var (key, end) in rotations.Take(1).Select(first => (first.Before, first.End)).Concat(rotations.Select((rotation, i) => (rotation.After, i + 1 < rotations.Count ? rotations[i + 1].End : null))))
            {
                if (!given.Any(one => one.Is(key)))
                    known.Add((NoteKey.FromPublicKey(key), end));
            }
        }
        return new(given, known, rotations.Count > 0 ? known.Select(one => one.Key).FirstOrDefault(key => key.Is(rotations[^1].After)) : null);
    }

    /// <summary>What speaks against a note that goes with all of the rotations, so that no key before the last of them signs it but one that was handed out.</summary>
    /// <exception cref="FormatException">A signature is none.</exception>
    public string? Objection(SignedNote note, string name) => Objection(note, name, (key, _) => _given.Contains(key) || key == _last ? null : "signs nothing that comes after");

    /// <summary>What speaks against a checkpoint of so many leaves; null where nothing does.</summary>
    /// <exception cref="FormatException">A signature is none.</exception>
    public string? Objection(SignedNote checkpoint, string origin, long size) => Objection(
        checkpoint, origin,
        (_, end) => end?.Sizes.FirstOrDefault(tree => tree.Origin == origin).Size is { } last && size > last ? $"signs nothing beyond {last} leaves of this tree" : null);

    /// <summary>What speaks against a note about something that happened at this time, in microseconds.</summary>
    public string? Objection(SignedNote note, string name, DateTimeOffset time) => Objection(
        note, name, (_, end) => end is not null && Microseconds.Of(time) > end.Time ? $"signs nothing after {Microseconds.ToTime(end.Time):u}" : null);

    public void Dispose()
    {
        foreach (var (key, _) in _known)
        {
            if (!_given.Contains(key))
                key.Dispose();
        }
    }

    private string? Objection(SignedNote note, string name, Func<NoteKey, SigningEnd?, string?> beyond)
    {
        if (IsEmpty)
            return null;
        string? objection = null;
        foreach (var (key, end) in _known)
        {
            if (!key.Signed(note, name))
                continue;
            if (beyond(key, end) is not { } reason)
                return null;
            objection = $"is signed with the key {key.Id:x8}, which was replaced and {reason}";
        }
        return objection ?? $"is not signed with the key given{(note.Signatures.Where(signature => signature.Name == name).Select(signature => signature.KeyId).Except(Ids).ToList() is { Count: > 0 } others ? $", nor with one that its rotations lead to, but with {string.Join(" and ", others.Select(id => $"{id:x8}"))}" : "")}";
    }
}
