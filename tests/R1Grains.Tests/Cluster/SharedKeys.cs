using R1Grains.Ledger.Keys;

namespace R1Grains.Tests.Cluster;

/// <summary>The keys of what is recorded, in a folder of which every silo of a test's cluster knows.</summary>
internal static class SharedKeys
{
    private const string RootKey = "dGhlIHJvb3Qga2V5IG9mIGEgdGVzdCdzIGNsdXN0ZXI=";

    /// <param name="folder">Of the cluster.</param>
    public static (string, string)[] Settings(string folder) => [("R1__Record__Keys", In(folder)), ("R1__Record__RootKey", RootKey)];

    public static Task<KeyRing> Open(string folder) => KeyRing.OpenAsync(FolderKeyStore.Open(In(folder)), Ledger.Keys.RootKey.Parse(RootKey, "the test's root key"));

    private static string In(string folder) => Path.Combine(folder, KeyRing.FolderName);
}
