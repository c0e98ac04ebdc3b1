/** Classes that break the package rules, so that {@code ArchitectureTest} sees its rules fail. */
package dev.tandem.violations;
