namespace R1Grains.Tuning.Tests;

public class LibtorchTests
{
    [Fact]
    public void The_requirement_of_the_newer_compiler_becomes_weak_and_nothing_else_changes()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var stock = File.ReadAllBytes(Libtorch.Find(Libtorch.Shim));
        var patched = Libtorch.WithWeakRequirement([.. stock], Libtorch.RequiredVersion);
        var changed = Enumerable.Range(0, stock.Length).Where(i => stock[i] != patched[i]).ToList();
        Assert.Single(changed);
        Assert.Equal(stock[changed[0]] | 2, patched[changed[0]]);
    }

    [Fact]
    public void A_library_without_the_requirement_is_refused()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var stock = File.ReadAllBytes(Libtorch.Find(Libtorch.Shim));
        Assert.Throws<BadImageFormatException>(() => Libtorch.WithWeakRequirement(stock, "GLIBCXX_9.9.99"));
    }
}
