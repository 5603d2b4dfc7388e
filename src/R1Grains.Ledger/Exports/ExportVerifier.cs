using System.Globalization;
using System.Runtime.InteropServices;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Exports;

/// <summary>Recomputes an export from its folder alone: no record, no network, no key but the public one.</summary>
public static class ExportVerifier
{
    private const int ProgressStride = 4_096;

    /// <summary>Whether a folder holds an export, or the beginning of one.</summary>
    public static bool IsExport(string folder) => File.Exists(Path.Combine(folder, ExportManifest.FileName)) || File.Exists(Path.Combine(folder, ExportManifest.RecordsName));

    /// <param name="keys">Of which one must have signed it; without any, the one that the manifest names is taken, which proves less.</param>
    /// <exception cref="ExportException">There is none, or it cannot be read.</exception>
    public static Task<ExportReport> VerifyAsync(string folder, IReadOnlyList<NoteKey>? keys = null, IProgress<ExportProgress>? progress = null, CancellationToken cancellation = default) => Task.Run(() =>
    {
        try
        {
            return new ExportCheck(folder, keys ?? []).Run(progress, cancellation);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new ExportException(unreadable.Message, unreadable);
        }
    }, cancellation);

    /// <summary>One run, over one folder.</summary>
    private sealed class ExportCheck(string folder, IReadOnlyList<NoteKey> keys)
    {
        private readonly byte[] _manifestBytes = Read(folder, ExportManifest.FileName);
        private ExportManifest _manifest = null!;
        private Checkpoint _checkpoint = null!;
        private uint _signer;
        private RecordsWalk _records = null!;

        // What is looked at, for whoever asks where it went wrong.
        private (string File, long? Line, string? Place) _at = (ExportManifest.FileName, null, null);

        public ExportReport Run(IProgress<ExportProgress>? progress, CancellationToken cancellation)
        {
            try
            {
                _manifest = ExportManifest.Parse(_manifestBytes);
            }
            catch (InvalidDataException malformed)
            {
                throw new ExportException($"{Path.Combine(folder, ExportManifest.FileName)} is no manifest of an export: {malformed.Message}", malformed);
            }
            _records = new(_manifest.Tenant);
            ExportFault? fault = null;
            try
            {
                CheckSignatures();
                var compare = CheckRecords(progress, cancellation);
                CheckProof();
                compare();
                CheckCounts();
                CheckRenderings();
            }
            catch (InvalidDataException contradiction)
            {
                fault = new(_at.File, _at.Line, _at.Place, contradiction.Message);
            }
            return new(_manifest, Counts, fault) { TreeSize = _checkpoint?.Size ?? 0, Signer = _signer };
        }

        private ExportCounts Counts => new(_records.Conversations, _records.Turns, _records.Records, _records.Erased, _records.Masked);

        private void CheckSignatures()
        {
            using var own = keys.Count > 0 ? null : OwnKey();
            var known = own is null ? keys : [own];
            _at = (ExportManifest.FileName, null, "rotations");
            using var signers = SigningKeys.Follow(known, [.. (_manifest.Rotations ?? []).Select((rotation, i) => SigningRotation.Of(SigningRotation.IdOf(i + SigningRotation.FirstVersion), rotation))]);
            _at = (ExportManifest.FileName, null, "checkpoint");
            try
            {
                var note = SignedNote.Parse(_manifest.Checkpoint);
                _checkpoint = Checkpoint.Parse(note.Text);
                if (!_checkpoint.Origin.EndsWith($"/{Uri.EscapeDataString(_manifest.Tenant)}", StringComparison.Ordinal))
                    throw new InvalidDataException($"it is one of '{_checkpoint.Origin}', and the records are of tenant '{_manifest.Tenant}'");
                RequireSigned(note);
                _at = (ExportManifest.NoteName, null, null);
                var signed = SignedNote.Parse(Read(folder, ExportManifest.NoteName).AsSpan());
                if (signed.Text != ExportManifest.NoteText(_checkpoint.Origin, _manifest.Export, Digest.Of(_manifestBytes)))
                    throw new InvalidDataException($"it was signed over another {ExportManifest.FileName}");
                RequireSigned(signed);
                _signer = signed.Signatures.First(signature => signature.Name == _checkpoint.Origin).KeyId;
            }
            catch (FormatException malformed)
            {
                throw new InvalidDataException($"it cannot be read: {malformed.Message}", malformed);
            }
            catch (ExportException missing)
            {
                throw new InvalidDataException(missing.Message, missing);
            }

            void RequireSigned(SignedNote note)
            {
                if (signers.Objection(note, _checkpoint.Origin) is { } objection)
                    throw new InvalidDataException(own is null ? $"it {objection}" : "it is not signed with the key that the manifest names");
            }
        }

        private NoteKey OwnKey()
        {
            try
            {
                return NoteKey.FromPem(_manifest.Key);
            }
            catch (FormatException malformed)
            {
                throw new InvalidDataException($"its key: {malformed.Message}", malformed);
            }
        }

        /// <returns>Whether they are all that was exported: to be asked when what can be named has been.</returns>
        private Action CheckRecords(IProgress<ExportProgress>? progress, CancellationToken cancellation)
        {
            _at = (ExportManifest.RecordsName, null, null);
            var stated = Stated(ExportManifest.RecordsName);
            using var file = Open(ExportManifest.RecordsName);
            using var hash = new RunningHash();
            try
            {
                while (file.Next(out var start, out var end))
                {
                    if (_records.Check(file.Buffer, start, end - 1, file.Number))
                        hash.EndPiece();
                    hash.Append(file.Buffer.AsSpan(start, end - start));
                    if (file.Number % ProgressStride == 0)
                    {
                        cancellation.ThrowIfCancellationRequested();
                        progress?.Report(new(file.Position, file.Length));
                    }
                }
                _records.End();
            }
            catch (InvalidDataException)
            {
                _at = (ExportManifest.RecordsName, file.Number, _records.Place);
                throw;
            }
            hash.EndPiece();
            var (bytes, value) = (file.Position, hash.Value);
            progress?.Report(new(bytes, file.Length));
            return () =>
            {
                _at = (ExportManifest.RecordsName, null, null);
                Compare(stated, bytes, value);
            };
        }

        private void CheckProof()
        {
            var leaves = CollectionsMarshal.AsSpan(_records.Leaves);
            leaves.Sort((one, other) => one.Number.CompareTo(other.Number));
            for (var i = 0; i < leaves.Length; i++)
            {
                if (leaves[i].Number < 0 || leaves[i].Number >= _checkpoint.Size)
                    throw At(leaves[i], $"its leaf is {leaves[i].Number}, and the checkpoint's tree has {_checkpoint.Size}");
                if (i > 0 && leaves[i].Number == leaves[i - 1].Number)
                    throw At(leaves[i], $"leaf {leaves[i].Number} is another entry's already");
            }
            var nodes = new List<Digest>();
            _at = (ExportManifest.ProofName, null, null);
            var stated = Stated(ExportManifest.ProofName);
            using var file = Open(ExportManifest.ProofName);
            using var hash = new RunningHash();
            var (line, leaf) = (new LineReader(), 0);
            while (NextOf(file, out var start, out var end))
            {
                hash.Append(file.Buffer.AsSpan(start, end - start));
                line.Start(file.Buffer, start, end - 1);
                if (line.TryNode(out var node))
                {
                    nodes.Add(node);
                    continue;
                }
                var (number, conversation, index, proved) = line.Leaf();
                if (leaf == leaves.Length || leaves[leaf].Number != number)
                    throw Missing(number, conversation, index, leaf < leaves.Length ? leaves[leaf] : null);
                if (leaves[leaf].Hash != proved)
                    throw At(leaves[leaf], $"its hash is {leaves[leaf].Hash}, and the one that is proved for leaf {number} is {proved}");
                leaf++;
            }
            if (leaf < leaves.Length)
                throw At(leaves[leaf], "nothing proves that it stands in the tree");
            _at = (ExportManifest.ProofName, null, null);
            hash.EndPiece();
            var root = SharedProof.Root(leaves, CollectionsMarshal.AsSpan(nodes), _checkpoint.Size);
            if (root != _checkpoint.Root)
                throw new InvalidDataException($"the records and it give the root {root}, and the checkpoint for {_checkpoint.Size} leaves has {_checkpoint.Root}");
            Compare(stated, file.Position, hash.Value);
        }

        private void CheckCounts()
        {
            _at = (ExportManifest.FileName, null, null);
            if (Counts != _manifest.Counts)
                throw new InvalidDataException($"it counts {_manifest.Counts.Conversations} conversations, {_manifest.Counts.Turns} turns, {_manifest.Counts.Records} records, {_manifest.Counts.Erased} erased, {_manifest.Counts.Masked} masked; there are {Counts.Conversations}, {Counts.Turns}, {Counts.Records}, {Counts.Erased}, {Counts.Masked}");
        }

        /// <summary>A table or a page beside the records is what follows from them.</summary>
        private void CheckRenderings()
        {
            foreach (var (format, name) in ExportRendering.Names)
            {
                if (!File.Exists(Path.Combine(folder, name)))
                    continue;
                _at = (name, null, null);
                using var file = new StreamReader(Path.Combine(folder, name), new System.Text.UTF8Encoding(false, throwOnInvalidBytes: false), detectEncodingFromByteOrderMarks: false);
                var line = 1L;
                foreach (var part in ExportRendering.Render(folder, _manifest, format))
                {
                    foreach (var letter in part)
                    {
                        if (file.Read() != letter)
                        {
                            _at = (name, line, null);
                            throw new InvalidDataException($"it is not what follows from {ExportManifest.RecordsName}");
                        }
                        line += letter == '\n' ? 1 : 0;
                    }
                }
                if (file.Read() >= 0)
                {
                    _at = (name, line, null);
                    throw new InvalidDataException("it goes on after its end");
                }
            }
        }

        private bool NextOf(LineFile file, out int start, out int end)
        {
            try
            {
                return file.Next(out start, out end);
            }
            finally
            {
                _at = (ExportManifest.ProofName, file.Number, null);
            }
        }

        private InvalidDataException At(ExportedLeaf leaf, string reason)
        {
            _at = (ExportManifest.RecordsName, leaf.Line, string.Create(CultureInfo.InvariantCulture, $"{new ConversationKey(_manifest.Tenant, leaf.Conversation)} entry {leaf.Index}"));
            return new(reason);
        }

        private InvalidDataException Missing(long number, string conversation, long index, ExportedLeaf? found)
        {
            if (found is { } there && there.Number < number)
                return At(there, "nothing proves that it stands in the tree");
            _at = (ExportManifest.RecordsName, null, string.Create(CultureInfo.InvariantCulture, $"{new ConversationKey(_manifest.Tenant, conversation)} entry {index}"));
            return new("the entry is missing");
        }

        private ExportedFile Stated(string name) => _manifest.Files.SingleOrDefault(file => file.Name == name) ?? throw new InvalidDataException($"{ExportManifest.FileName} does not name it");

        private LineFile Open(string name)
        {
            try
            {
                return new LineFile(Path.Combine(folder, name));
            }
            catch (FileNotFoundException missing)
            {
                throw new InvalidDataException("the file is missing", missing);
            }
        }

        private static void Compare(ExportedFile stated, long bytes, Digest hash)
        {
            if (stated.Bytes != bytes)
                throw new InvalidDataException($"it has {bytes} bytes, and {stated.Bytes} were exported");
            if (stated.Hash != hash.ToString())
                throw new InvalidDataException("it is not the file that was exported: what can be proved of it agrees with the record, something else in it was changed");
        }

        private static byte[] Read(string folder, string name)
        {
            var file = new FileInfo(Path.Combine(folder, name));
            if (!file.Exists)
                throw new ExportException(!Directory.Exists(folder) ? $"there is no folder '{folder}'"
                    : name == ExportManifest.FileName && File.Exists(Path.Combine(folder, ExportManifest.RecordsName)) ? $"{folder} holds an export that was not finished: run the same r1 audit export again"
                    : $"there is no {name} in {folder}");
            return file.Length <= ExportManifest.LengthMax ? File.ReadAllBytes(file.FullName) : throw new ExportException($"{file.FullName} has {file.Length} bytes: no {name} has more than {ExportManifest.LengthMax}");
        }
    }
}
