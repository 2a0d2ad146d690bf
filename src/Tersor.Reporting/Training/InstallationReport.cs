namespace Tersor.Reporting.Training;

/// <summary>What <c>tersor install</c> did.</summary>
/// <param name="Folder">Where what trains is.</param>
/// <param name="Version">Its version.</param>
/// <param name="Fetched">Whether it was fetched now; false where it was there already.</param>
public sealed record InstallationReport(string Folder, string Version, bool Fetched);
